/** What a refusal says first: operator, domain and the nearest thing that is read. */

import { describe, expect, it } from 'vitest';
import { ArcfaceError } from '../../src/errors.ts';
import { MXNET_OPERATORS } from '../../src/formats/mxnet/operators.ts';
import { OPERATORS } from '../../src/formats/onnx/operators/registry.ts';
import { SUPPORTED_LAYERS } from '../../src/formats/openvino/operators.ts';
import { namingEarlierValue, unknownOperator } from '../../src/formats/refusal.ts';

const onnx = [...OPERATORS.keys()];

describe('the refusal of an unknown operator', () => {
  it.each([
    ['LSTM', 'ai.onnx', 'Gemm'],
    ['LayerNormalization', 'ai.onnx', 'BatchNormalization'],
    ['MaxUnpool', 'ai.onnx', 'GlobalAveragePool'],
    ['ConvTranspose', 'ai.onnx', 'Conv'],
    ['Gelu', 'com.microsoft', 'PRelu'],
    ['Softmax', 'ai.onnx', 'Sigmoid'],
    ['SplitToSequence', 'ai.onnx', 'Concat'],
    ['Reshepe', 'acme', 'Reshape'],
    ['Foo', 'acme', 'Conv'],
  ])(
    'tells %s of %s and the nearest, %s, in its first 100 characters',
    (operator, domain, like) => {
      const node = 'a/very/long/name/'.repeat(40);
      const error = unknownOperator({ format: 'ONNX', operator, domain, node, supported: onnx });
      expect(error.code).toBe('unsupported_operator');
      const start = error.message.slice(0, 100);
      expect(start).toContain(`ONNX operator ${operator} of ${domain}: expected one like ${like},`);
      expect(error.message).toMatch(/those that are read are .*Add, .*, Unsqueeze/);
      expect(error.message.length).toBeLessThan(2000);
    },
  );

  it('finds the nearest in every format by what an operator does', () => {
    const like = (format: string, operator: string, supported: readonly string[]): string =>
      unknownOperator({ format, operator, node: 'n', supported }).message;
    expect(like('MXNet', 'InstanceNorm', [...MXNET_OPERATORS.keys()])).toMatch(
      /one like BatchNorm/,
    );
    expect(like('OpenVINO', 'MVN', SUPPORTED_LAYERS)).toMatch(/one like (BatchNorm|ScaleShift)/);
    expect(like('OpenVINO', 'Swish', SUPPORTED_LAYERS)).toMatch(/one like PReLU/);
    expect(like('MXNet', 'LRN', [...MXNET_OPERATORS.keys()])).toMatch(/one like Conv/);
  });

  it('puts what to do before the long list', () => {
    const advice = 'save it with the basic optimisation level';
    const { message } = unknownOperator({
      format: 'ONNX',
      operator: 'Conv',
      domain: 'com.microsoft.nchwc',
      node: 'c',
      supported: onnx,
      advice,
    });
    expect(message.indexOf(advice)).toBeLessThan(200);
  });

  it('names the vector before it', () => {
    const error = namingEarlierValue(new ArcfaceError('unsupported_operator', 'no Pow'), '683');
    expect(error.code).toBe('unsupported_operator');
    expect(error.message).toBe(
      'no Pow; if the embedding is the value before it, give --value "683"',
    );
  });
});
