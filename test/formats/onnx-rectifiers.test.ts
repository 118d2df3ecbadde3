/** Rectifiers and gates that files spell out, against onnxruntime-web: exact, and as few nodes as they are. */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { floats, node } from '../support/onnx-files.ts';
import { type ModelNode, type ModelTensor, modelBytes } from '../support/onnx-model.ts';
import { agree } from '../support/onnx-oracle.ts';
import { messageOf } from '../support/outcome.ts';

const tensors: ModelTensor[] = [
  floats('a', [3, 1, 1], [0.25, -0.5, 1.5]),
  floats('minus a', [1, 3, 1, 1], [-0.25, 0.5, -1.5]),
  floats('tenth', [], [0.1]),
  floats('half', [], [0.5]),
  floats('zero', [], [0]),
  floats('six', [], [6]),
  floats('three', [], [3]),
  floats('sixth', [], [1 / 6]),
  floats('s', [1], [2]),
];
const opsOf = (nodes: ModelNode[]): string[] =>
  importOnnx(modelBytes({ nodes, tensors })).graph.nodes.map(({ op }) => op);

const SPELLINGS: Record<string, [nodes: ModelNode[], ops: string[]]> = {
  "relu(x) + (-a) relu(-x) (Keras' PReLU by tf2onnx)": [
    [
      node('Relu', ['x'], 'p'),
      node('Neg', ['x'], 'm'),
      node('Relu', ['m'], 'n'),
      node('Mul', ['minus a', 'n'], 'q'),
      node('Add', ['p', 'q'], 'y'),
    ],
    ['prelu'],
  ],
  'relu(x) - a relu(-x)': [
    [
      node('Relu', ['x'], 'p'),
      node('Neg', ['x'], 'm'),
      node('Relu', ['m'], 'n'),
      node('Mul', ['n', 'a'], 'q'),
      node('Sub', ['p', 'q'], 'y'),
    ],
    ['prelu'],
  ],
  'relu(x) + a (x - |x|) / 2 (TensorFlow)': [
    [
      node('Relu', ['x'], 'p'),
      node('Abs', ['x'], 'abs'),
      node('Sub', ['x', 'abs'], 'd'),
      node('Mul', ['d', 'a'], 'e'),
      node('Mul', ['e', 'half'], 'f'),
      node('Add', ['p', 'f'], 'y'),
    ],
    ['prelu'],
  ],
  "where(x > 0, x, a x) (torch's decomposition)": [
    [
      node('Greater', ['x', 'zero'], 'c'),
      node('Mul', ['a', 'x'], 'n'),
      node('Where', ['c', 'x', 'n'], 'y'),
    ],
    ['prelu'],
  ],
  'where(0 >= x, a x, x)': [
    [
      node('GreaterOrEqual', ['zero', 'x'], 'c'),
      node('Mul', ['a', 'x'], 'n'),
      node('Where', ['c', 'n', 'x'], 'y'),
    ],
    ['prelu'],
  ],
  'where(not x < 0, x, 0)': [
    [
      node('Less', ['x', 'zero'], 'b'),
      node('Not', ['b'], 'c'),
      node('Where', ['c', 'x', 'zero'], 'y'),
    ],
    ['prelu'],
  ],
  'max(x, x / 10)': [[node('Mul', ['x', 'tenth'], 't'), node('Max', ['x', 't'], 'y')], ['prelu']],
  'min(x, x / 10)': [
    [node('Mul', ['x', 'tenth'], 't'), node('Min', ['t', 'x'], 'y')],
    ['prelu', 'affine'],
  ],
  'max(x, 0) and min(x, 6) (relu6)': [
    [node('Max', ['x', 'zero'], 'r'), node('Min', ['six', 'r'], 'y')],
    ['clip', 'clip'],
  ],
  '|x|': [[node('Abs', ['x'], 'y')], ['prelu']],
  '-x': [[node('Neg', ['x'], 'y')], ['affine']],
  'x - y': [
    [node('Sigmoid', ['x'], 'g'), node('Sub', ['x', 'g'], 'y')],
    ['sigmoid', 'affine', 'add'],
  ],
  'hard sigmoid as relu6(x + 3) / 6': [
    [
      node('Add', ['x', 'three'], 'p'),
      node('Clip', ['p', 'zero', 'six'], 'q'),
      node('Mul', ['q', 'sixth'], 'y'),
    ],
    ['affine', 'clip', 'affine'],
  ],
  HardSigmoid: [
    [node('HardSigmoid', ['x'], 'y', { alpha: { float: 0.3 }, beta: { float: 0.4 } })],
    ['affine', 'clip'],
  ],
  HardSwish: [[node('HardSwish', ['x'], 'y')], ['affine', 'clip', 'mul']],
  'x sigmoid(x) (swish)': [
    [node('Sigmoid', ['x'], 'g'), node('Mul', ['x', 'g'], 'y')],
    ['sigmoid', 'mul'],
  ],
  'a sum of three': [
    [node('Sigmoid', ['x'], 'g'), node('Sum', ['x', 'g', 'x'], 'y')],
    ['sigmoid', 'add', 'add'],
  ],
  'a guard against NaN': [
    [node('IsNaN', ['x'], 'c'), node('Where', ['c', 'zero', 'x'], 'g'), node('Relu', ['g'], 'y')],
    ['prelu'],
  ],
  'a gate written out for every pixel (x * y.expand_as(x))': [
    [
      node('GlobalAveragePool', ['x'], 'p'),
      node('Sigmoid', ['p'], 'g'),
      node('Shape', ['x'], 'shape'),
      node('Expand', ['g', 'shape'], 'e'),
      node('Mul', ['x', 'e'], 'y'),
    ],
    ['global_average_pool', 'sigmoid', 'gate'],
  ],
};

describe('a rectifier or gate', () => {
  it.each(Object.keys(SPELLINGS))('is read: %s', async (name) => {
    const [nodes, ops] = SPELLINGS[name] as [ModelNode[], string[]];
    await agree(nodes, tensors);
    expect(opsOf(nodes)).toEqual(ops);
  });

  it('keeps a part of it that something else needs', async () => {
    const nodes = [
      node('Relu', ['x'], 'p'),
      node('Neg', ['x'], 'm'),
      node('Relu', ['m'], 'n'),
      node('Mul', ['minus a', 'n'], 'q'),
      node('Add', ['p', 'q'], 'r'),
      node('Add', ['r', 'n'], 'y'),
    ];
    await agree(nodes, tensors);
  });

  it.each([
    [
      'a comparison with another number',
      [node('Greater', ['x', 'six'], 'c'), node('Where', ['c', 'x', 'zero'], 'y')],
      /comparison with 0, got one with 6/,
    ],
    [
      'a choice between other values',
      [
        node('Greater', ['x', 'zero'], 'c'),
        node('Sigmoid', ['x'], 'g'),
        node('Where', ['c', 'x', 'g'], 'y'),
      ],
      /two multiples of the value/,
    ],
    [
      'a constant that is not 0',
      [node('Greater', ['x', 'zero'], 'c'), node('Where', ['c', 'x', 'six'], 'y')],
      /the constant 6/,
    ],
    [
      'a mask as a value',
      [node('Greater', ['x', 'zero'], 'c'), node('Cast', ['c'], 'y', { to: { int: 1 } })],
      /a cast between float types/,
    ],
    [
      'the maximum of two values',
      [node('Sigmoid', ['x'], 'g'), node('Max', ['x', 'g'], 'y')],
      /two multiples of one value/,
    ],
    [
      'a gate as a summand',
      [node('GlobalAveragePool', ['x'], 'p'), node('Add', ['x', 'p'], 'y')],
      /sum or product of equal shapes/,
    ],
    [
      'a cast to integers',
      [node('Cast', ['x'], 'i', { to: { int: 6 } }), node('Cast', ['i'], 'y', { to: { int: 1 } })],
      /^ONNX Cast "i": expected a cast between float types, got a cast of a value to int32, which drops/,
    ],
    ['a cast to int8', [node('Cast', ['x'], 'y', { to: { int: 3 } })], /to int8/],
  ] as [string, ModelNode[], RegExp][])('refuses %s', (_, nodes, message) => {
    expect(messageOf(() => importOnnx(modelBytes({ nodes, tensors })))).toMatch(message);
  });

  it('casts to half precision and back are left out', async () => {
    const nodes = [
      node('Cast', ['x'], 'h', { to: { int: 10 } }),
      node('Cast', ['h'], 'f', { to: { int: 1 } }),
      node('Relu', ['f'], 'y'),
    ];
    await agree(nodes, tensors, {}, { tolerance: 1e-3 });
    expect(opsOf(nodes)).toEqual(['prelu']);
  });
});

describe('operators in training form', () => {
  const refusal = (...nodes: ModelNode[]) =>
    messageOf(() => importOnnx(modelBytes({ nodes, tensors: [...tensors, training, ...norm] })));
  const training = { name: 'training', dims: [], dataType: 9, data: Uint8Array.of(1) };
  const norm = ['g', 'b', 'm', 'v'].map((name) => floats(name, [3], [1, 2, 3]));

  it('are refused: Dropout, and batch norms that would count what they see', () => {
    const dropout = node('Dropout', ['x', 'half', 'training'], 'y');
    expect(refusal(dropout)).toMatch(/Dropout "y": expected inference, got training_mode true/);
    const inputs = ['x', 'g', 'b', 'm', 'v'];
    const attribute = node('BatchNormalization', inputs, 'y', { training_mode: { int: 1 } });
    expect(refusal(attribute)).toMatch(/training_mode 1; export the model in evaluation mode/);
    const outputs = { ...node('BatchNormalization', inputs, 'y'), outputs: ['y', 'mean', 'var'] };
    expect(refusal({ ...outputs, name: 'bn' })).toMatch(/statistics as further outputs/);
    const mask = { ...node('Dropout', ['x'], 'd'), outputs: ['d', 'mask'] };
    expect(refusal(mask, node('Relu', ['mask'], 'y'))).toMatch(/the mask of a Dropout/);
  });
});
