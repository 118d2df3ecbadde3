/**
 * One network of every kind of layer, its text damaged: numbers exchanged for awkward ones, types and
 * edges for others. It is refused with a code, or gives a valid graph whose weights can be read.
 */

import { describe, expect, it } from 'vitest';
import { importOpenvino } from '../../src/formats/openvino/import.ts';
import { SUPPORTED_LAYERS } from '../../src/formats/openvino/operators.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import { AWKWARD_NUMBERS, expectCodedErrors, expectCodedTexts } from '../support/fuzz.ts';
import {
  constant,
  f32,
  type IrSpec,
  i8,
  i64,
  importIr,
  irFiles,
  layer,
  u8,
} from '../support/openvino-ir.ts';

const one = (id: string, value: number): IrSpec => constant(id, f32([], [value]));
const zeros = (count: number): number[] => new Array<number>(count).fill(0);

const stem: IrSpec[] = [
  constant('order', i64(2, 1, 0)),
  constant('last', i64(3)),
  layer('bgr', 'Gather', ['x', 'order', 'last'], { batch_dims: 0 }),
  layer('float', 'Convert', ['bgr'], { destination_type: 'f32' }),
  constant('mean', f32([1, 1, 1, 3], [1, 2, 3])),
  layer('centred', 'Subtract', ['float', 'mean'], { auto_broadcast: 'numpy' }),
  constant('nchw', i64(0, 3, 1, 2)),
  layer('turned', 'Transpose', ['centred', 'nchw']),
  constant('q', i8([4, 3, 3, 3], zeros(108))),
  layer('qf', 'Convert', ['q'], { destination_type: 'f32' }),
  constant('zero', u8([4, 1, 1, 1], [1, 2, 3, 4])),
  layer('zf', 'Convert', ['zero'], { destination_type: 'f32' }),
  layer('w0', 'Subtract', ['qf', 'zf']),
  constant('scale', f32([4, 1, 1, 1], [1, 2, 3, 4])),
  layer('w1', 'Multiply', ['w0', 'scale']),
  layer('conv', 'Convolution', ['turned', 'w1'], {
    strides: '2,2',
    dilations: '1,1',
    pads_begin: '0,0',
    pads_end: '0,0',
    auto_pad: 'same_upper',
  }),
];

const body: IrSpec[] = [
  constant('v', f32([4], [1, 2, 3, 4])),
  layer('norm', 'BatchNormInference', ['conv', 'v', 'v', 'v', 'v'], { epsilon: 0.1 }),
  layer('active', 'PReLU', ['norm', 'v']),
  one('low', -1),
  one('high', 1),
  layer('fake', 'FakeQuantize', ['active', 'low', 'high', 'low', 'high'], { levels: 256 }),
  layer('even', 'MaxPool', ['fake'], {
    kernel: '1,1',
    strides: '2,2',
    pads_begin: '0,0',
    pads_end: '0,0',
  }),
  constant('hw', i64(2, 3)),
  layer('pool', 'ReduceMean', ['even', 'hw'], { keep_dims: 'true' }),
  layer('gate', 'Sigmoid', ['pool']),
  layer('gated', 'Multiply', ['even', 'gate']),
  layer('sum', 'Add', ['gated', 'even']),
  constant('channel', i64(1)),
  layer('sq', 'Multiply', ['sum', 'sum']),
  layer('sums', 'ReduceSum', ['sq', 'channel'], { keep_dims: 'true' }),
  layer('norms', 'Sqrt', ['sums']),
  layer('meannorm', 'ReduceMean', ['norms', 'hw'], { keep_dims: 'true' }),
  layer('ratio', 'Divide', ['meannorm', 'norms']),
  constant('reps', i64(1, 4, 1, 1)),
  layer('tiled', 'Tile', ['ratio', 'reps']),
  layer('equal', 'Multiply', ['sum', 'tiled']),
];

const tail: IrSpec[] = [
  layer('shape', 'ShapeOf', ['equal'], { output_type: 'i64' }),
  constant('zeroth', i64(0)),
  constant('axis', i64(0)),
  layer('batch', 'Gather', ['shape', 'zeroth', 'axis'], { batch_dims: 0 }),
  constant('rest', i64(-1)),
  layer('target', 'Concat', ['batch', 'rest'], { axis: 0 }),
  layer('flat', 'Reshape', ['equal', 'target'], { special_zero: 'true' }),
  constant('matrix', f32([2, 16], zeros(32))),
  layer('fc', 'MatMul', ['flat', 'matrix'], { transpose_a: 'false', transpose_b: 'true' }),
  layer('length', 'ReduceL2', ['fc', 'channel'], { keep_dims: 'true' }),
  layer('bounded', 'Clamp', ['length'], { min: 1e-12, max: 3e38 }),
  layer('y', 'Divide', ['fc', 'bounded']),
];

const { xml, bin } = irFiles('1,8,8,3', [...stem, ...body, ...tail], { type: 'u8' });
const text = new TextDecoder().decode(xml);
const CODES = ['bad_model', 'unsupported_operator', 'bad_argument'];

function readWhole(damaged: Uint8Array): void {
  const { graph } = importOpenvino(damaged, bin);
  validateGraph(graph);
  for (const node of graph.nodes) if (node.op === 'conv' || node.op === 'fc') node.weight.read();
}

describe('a network of every kind of layer', () => {
  it('is read', () => {
    expect(
      importIr({ xml, bin })
        .graph.nodes.map(({ op }) => op)
        .join(' '),
    ).toBe(
      'affine conv affine prelu clip subsample global_average_pool sigmoid gate add ' +
        'equalize_norms flatten fc l2_normalize',
    );
    readWhole(xml);
  });

  it('is refused or read when bytes of its text differ', () => {
    expectCodedErrors(xml, CODES, readWhole, 1 / 8);
  });

  it('is refused or read when numbers, types and edges are others', () => {
    const ids = [...stem, ...body, ...tail].map(({ id }) => id);
    const types = ['f16', 'i8', 'u4', 'i64', 'boolean', 'bf16', 'dynamic'];
    const exchanges = [
      { pattern: /(?<=[",])\s*-?\d[\d.e+-]*(?=[",])/g, values: AWKWARD_NUMBERS },
      { pattern: /(?<= type=")\w+/g, values: [...SUPPORTED_LAYERS, 'Mish'] },
      { pattern: /(?<=from-layer=")\w+/g, values: [...ids, 'x'] },
      { pattern: /(?<=element_type="|destination_type=")\w+/g, values: types },
    ];
    expectCodedTexts(text, CODES, readWhole, exchanges, 1 / 8);
  });
});
