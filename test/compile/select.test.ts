/** Which kernel each kind of layer gets, and why. */

import { describe, expect, it } from 'vitest';
import { selectKernel } from '../../src/compile/select.ts';
import type { NetworkOp } from '../../src/graph/network.ts';
import { inferNetworkShapes } from '../../src/graph/shapes.ts';
import { conv } from '../support/one-conv.ts';

type Shape = readonly [number, number, number];

function choose(op: NetworkOp, shape: Shape) {
  const input = { name: 'data', shape };
  const shapes = inferNetworkShapes({ name: 'test', input, ops: [op], output: op.name });
  return selectKernel(op, shape, shapes.get(op.name) as Shape);
}

describe('selectKernel', () => {
  it.each([
    ['a stem of 3 channels', conv(64, 3, 1), [3, 112, 112], 'f32_conv_igemm'],
    ['a strided 3x3', conv(64, 3, 2), [64, 112, 112], 'f32_winograd_multiply'],
    ['a strided 3x3 of few pixels', conv(512, 3, 2), [512, 14, 14], 'f32_conv_igemm'],
    ['a 3x3 of stride 3', conv(64, 3, 3), [64, 112, 112], 'f32_conv_igemm'],
    ['a 3x3 of 32 channels', conv(32, 3, 1), [32, 28, 28], 'f32_conv_igemm'],
    ['a strided 1x1', conv(128, 1, 2), [64, 56, 56], 'f32_conv_igemm'],
    ['a 1x1', conv(128, 1, 1), [64, 14, 14], 'f32_conv_igemm'],
    ['a 5x5', conv(64, 5, 1), [64, 28, 28], 'f32_conv_igemm'],
    ['a 7x7', conv(64, 7, 2), [64, 28, 28], 'f32_conv_igemm'],
    ['a grouped 3x3', conv(64, 3, 1, 4), [64, 28, 28], 'f32_conv_igemm'],
    ['a depthwise 3x3', conv(64, 3, 1, 64), [64, 28, 28], 'f32_conv_depthwise'],
    ['a depthwise 7x7', conv(512, 7, 1, 512), [512, 7, 7], 'f32_conv_depthwise'],
    ['two outputs per input channel', conv(128, 3, 1, 64), [64, 28, 28], 'f32_conv_igemm'],
    ['a 3x3 of few channels', conv(8, 3, 1), [8, 112, 112], 'f32_conv_igemm'],
    ['a 3x3 of stage 1', conv(64, 3, 1), [64, 56, 56], 'f32_winograd_multiply'],
    ['a 3x3 of stage 2', conv(128, 3, 1), [128, 28, 28], 'f32_winograd_multiply'],
    ['a 3x3 of stage 3', conv(256, 3, 1), [256, 14, 14], 'f32_winograd_multiply'],
  ] as const)('gives %s %4$s', (_, op, shape, kernel) => {
    const choice = choose(op, shape);
    expect(choice.kernel).toBe(kernel);
    expect(choice.reason).not.toBe('');
  });

  it('gives a fully connected layer the convolution kernel', () => {
    const op = { op: 'fc', name: 'y', inputs: ['data'], outFeatures: 512 } as const;
    expect(choose(op, [512, 7, 7]).kernel).toBe('f32_conv_igemm');
  });

  it.each(['affine', 'prelu', 'sigmoid', 'global_average_pool'] as const)(
    'gives %s the kernel of its name',
    (kind) => {
      expect(choose({ op: kind, name: 'y', inputs: ['data'] }, [8, 4, 4]).kernel).toBe(
        `f32_${kind}`,
      );
    },
  );
});
