/** What a graph computes from constants alone, against onnxruntime-web, which computes it when it runs. */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { floats, int32s, ints, node } from '../support/onnx-files.ts';
import { type ModelNode, type ModelTensor, modelBytes } from '../support/onnx-model.ts';
import { agree } from '../support/onnx-oracle.ts';
import { messageOf } from '../support/outcome.ts';

const tensors: ModelTensor[] = [
  floats('a', [3, 1, 1], [0.5, -1.25, 2.5]),
  floats('b', [3, 1, 1], [2, 0.5, -3]),
  floats('p', [3, 1, 1], [0.25, 4, 9]),
  floats('halves', [3, 1, 1], [0.5, 1.5, -2.5]),
  floats('m', [2, 3], [1, 2, 3, 4, 5, 6]),
  floats(
    'cube',
    [2, 3, 4],
    Array.from({ length: 24 }, (_, i) => i / 4),
  ),
  floats('s', [], [0.75]),
  ints('shape', [3, 1, 1]),
  ints('i', [7, -7, 5]),
  ints('j', [2, 2, 3]),
  int32s('k', [9, 4, 1]),
  ints('zero', [0]),
  ints('one', [1]),
  ints('two', [2]),
  ints('three', [3]),
  ints('picks', [2, 0, 1]),
  ints('repeats', [1, 2]),
  ints('spatial', [1, 2]),
  { ...ints('start', [1]), dims: [] },
  { ...ints('limit', [10]), dims: [] },
  { ...ints('delta', [3]), dims: [] },
];
const float = (from: string, to = 'f'): ModelNode => node('Cast', [from], to, { to: { int: 1 } });
const channels = (from: string, to = 'c'): ModelNode => node('Reshape', [from, 'shape'], to);
/** `from` has three values; they are added channel by channel. */
const added = (...nodes: ModelNode[]): ModelNode[] => {
  const last = nodes.at(-1)?.outputs[0] ?? '';
  return [...nodes, float(last), channels('f'), node('Add', ['x', 'c'], 'y')];
};

const CASES: Record<string, ModelNode[]> = {
  'rounding to whole numbers': [
    node('Floor', ['a'], 'a1'),
    node('Ceil', ['halves'], 'a2'),
    node('Round', ['halves'], 'a3'),
    node('Sum', ['a1', 'a2', 'a3'], 'v'),
  ],
  'powers and roots': [
    node('Sqrt', ['p'], 'a1'),
    node('Reciprocal', ['b'], 'a2'),
    node('Pow', ['p', 's'], 'a3'),
    node('Exp', ['a'], 'a4'),
    node('Log', ['p'], 'a5'),
    node('Sum', ['a1', 'a2', 'a3', 'a4', 'a5'], 'v'),
  ],
  'signs and bounds': [
    node('Neg', ['a'], 'a1'),
    node('Abs', ['a'], 'a2'),
    node('Sign', ['b'], 'a3'),
    node('Max', ['a', 'b', 'halves'], 'a4'),
    node('Min', ['a', 'b'], 'a5'),
    node('Clip', ['a', '', 's'], 'a6'),
    node('Relu', ['b'], 'a7'),
    node('Sigmoid', ['b'], 'a8'),
    node('Tanh', ['b'], 'a9'),
    node('Sum', ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'a9'], 'v'),
  ],
  'arithmetic under broadcasting': [
    node('Add', ['a', 's'], 'a1'),
    node('Sub', ['s', 'b'], 'a2'),
    node('Mul', ['a1', 'a2'], 'a3'),
    node('Div', ['a3', 'p'], 'v'),
  ],
  'whole numbers': [
    node('Div', ['i', 'j'], 'q'),
    node('Mod', ['i', 'j'], 'r'),
    node('Add', ['q', 'r'], 'v'),
  ],
  'comparisons and choices': [
    node('Greater', ['a', 'b'], 'c1'),
    node('LessOrEqual', ['a', 's'], 'c2'),
    node('And', ['c1', 'c2'], 'c3'),
    node('Not', ['c3'], 'c4'),
    node('Equal', ['i', 'i'], 'c6'),
    node('Where', ['c4', 'a', 's'], 'w1'),
    node('Reshape', ['c6', 'shape'], 'c7'),
    node('Where', ['c7', 'w1', 'b'], 'w2'),
    node('Xor', ['c1', 'c2'], 'c5'),
    node('Cast', ['c5'], 'w3', { to: { int: 1 } }),
    node('Add', ['w2', 'w3'], 'v'),
  ],
  'Range and Gather': [
    node('Range', ['start', 'limit', 'delta'], 'r'),
    node('Gather', ['r', 'picks'], 'v'),
  ],
  'Gather along an inner axis': [
    node('Gather', ['m', 'picks'], 'g', { axis: { int: 1 } }),
    node('ReduceSum', ['g', 'zero'], 'v', { keepdims: { int: 0 } }),
  ],
  'Slice with steps of a matrix': [
    node('Slice', ['cube', 'zero', 'three', 'two', 'two'], 's1'),
    node('Slice', ['s1', 'one', 'two', 'zero'], 's2'),
    node('ReduceMean', ['s2', 'two'], 'v', { keepdims: { int: 0 } }),
  ],
  'Concat along an inner axis and Split': [
    node('Concat', ['m', 'm'], 'w', { axis: { int: 1 } }),
    {
      ...node('Split', ['w'], 'h', { axis: { int: 1 } }),
      outputs: ['h', 'g'],
      attributes: { axis: { int: 1 }, num_outputs: { int: 2 } },
    },
    node('ReduceMax', ['g', 'zero'], 'v', { keepdims: { int: 0 } }),
  ],
  'Transpose of three axes': [
    node('Transpose', ['cube'], 't', { perm: { ints: [2, 0, 1] } }),
    node('Transpose', ['t'], 'u', { perm: { ints: [2, 1, 0] } }),
    node('ReduceSum', ['u', 'spatial'], 'v', { keepdims: { int: 0 } }),
  ],
  'Expand and Tile': [
    node('ConstantOfShape', ['shape'], 'ones', { value: { tensor: floats('v', [1], [1]) } }),
    node('Shape', ['a'], 'sh'),
    node('Expand', ['s', 'sh'], 'e'),
    node('Add', ['ones', 'e'], 'w'),
    node('Tile', ['m', 'repeats'], 'tiled'),
    node('ReduceSum', ['tiled'], 'sum', { keepdims: { int: 0 } }),
    node('Mul', ['w', 'sum'], 'v'),
  ],
  'Shape with bounds, Size, Squeeze, Unsqueeze': [
    node('Shape', ['x'], 'sh', { start: { int: 1 }, end: { int: -1 } }),
    node('Size', ['cube'], 'n'),
    node('Unsqueeze', ['n', 'zero'], 'n1'),
    node('Concat', ['sh', 'n1'], 'v', { axis: { int: 0 } }),
  ],
  'Cast and CastLike': [
    node('CastLike', ['a', 'i'], 'w'),
    node('Cast', ['w'], 'v', { to: { int: 6 } }),
  ],
  'int32 products': [node('Mul', ['k', 'k'], 'v')],
  Constants: [
    { ...node('Constant', [], 'w'), attributes: { value_floats: { floats: [1, 2, 3] } } },
    { ...node('Constant', [], 'z'), attributes: { value_float: { float: 0.5 } } },
    { ...node('Constant', [], 'n'), attributes: { value_ints: { ints: [4, 5, 6] } } },
    { ...node('Constant', [], 'o'), attributes: { value_int: { int: 2 } } },
    node('Mul', ['n', 'o'], 'no'),
    node('Cast', ['no'], 'nof', { to: { int: 1 } }),
    node('Mul', ['w', 'z'], 'wz'),
    node('Add', ['wz', 'nof'], 'v'),
  ],
  'reductions of every kind': [
    node('ReduceProd', ['m', 'zero'], 'a1', { keepdims: { int: 0 } }),
    node('ReduceMin', ['m', 'zero'], 'a2', { keepdims: { int: 0 } }),
    node('ReduceL2', ['m', 'zero'], 'a3', { keepdims: { int: 0 } }),
    node('ReduceSumSquare', ['m', 'zero'], 'a4', { keepdims: { int: 0 } }),
    node('Sum', ['a1', 'a2', 'a3', 'a4'], 'v'),
  ],
};

describe('constants', () => {
  it.each(Object.keys(CASES))('%s are what onnxruntime makes of them', async (name) => {
    await agree(added(...(CASES[name] as ModelNode[])), tensors, {}, { tolerance: 1e-6 });
  });

  it('make the weights of a convolution: moved from [kh, kw, I, O], scaled, shared by name', async () => {
    const weights = [floats('hwio', [3, 3, 3, 4]), floats('g', [4, 1, 1, 1]), ...tensors];
    await agree(
      [
        node('Transpose', ['hwio'], 'oihw', { perm: { ints: [3, 2, 0, 1] } }),
        node('Mul', ['oihw', 'g'], 'scaled'),
        node('Identity', ['scaled'], 'w'),
        node('Conv', ['x', 'w'], 'c1', { pads: { ints: [1, 1, 1, 1] } }),
        node('Conv', ['x', 'w'], 'c2', { pads: { ints: [1, 1, 1, 1] } }),
        node('Add', ['c1', 'c2'], 'y'),
      ],
      weights,
    );
  });

  it('make large weights of a layer without being computed before they are read', async () => {
    const large = [floats('w', [192, 40]), floats('col', [40]), ints('to', [1, -1]), ...tensors];
    const nodes = [
      node('Reshape', ['x', 'to'], 'f'),
      node('Transpose', ['w'], 't', { perm: { ints: [1, 0] } }),
      node('Unsqueeze', ['col', 'one'], 'u'),
      node('Mul', ['t', 'u'], 'v'),
      node('Transpose', ['v'], 'back', { perm: { ints: [1, 0] } }),
      node('MatMul', ['f', 'back'], 'y'),
    ];
    await agree(nodes, large);
  });

  it('are a batch norm that was taken apart', async () => {
    const norm = ['mean', 'gamma', 'beta'].map((name) => floats(name, [3]));
    const nodes = [
      node('Add', ['var', 'eps'], 'v'),
      node('Sqrt', ['v'], 'std'),
      node('Reciprocal', ['std'], 'inv'),
      node('Mul', ['inv', 'gamma'], 'g'),
      ...['mean', 'g', 'beta'].map((name) => node('Unsqueeze', [name, 'spatial'], `${name}3`)),
      node('Sub', ['x', 'mean3'], 'd'),
      node('Mul', ['d', 'g3'], 'e'),
      node('Add', ['e', 'beta3'], 'y'),
    ];
    await agree(nodes, [
      ...tensors,
      ...norm,
      floats('var', [3], [0.5, 2, 1]),
      floats('eps', [], [1e-5]),
    ]);
  });

  it('give batch norms without weights what torch fills in', async () => {
    const nodes = [
      node('Shape', ['x'], 'c', { start: { int: 1 }, end: { int: 2 } }),
      node('Expand', ['unit', 'c'], 'g'),
      node('Expand', ['nil', 'c'], 'b'),
      node('BatchNormalization', ['x', 'g', 'b', 'mean', 'var'], 'y'),
    ];
    const all = [
      floats('unit', [], [1]),
      floats('nil', [], [0]),
      floats('mean', [3]),
      floats('var', [3], [1, 2, 3]),
    ];
    await agree(nodes, all);
  });

  it('may be empty where nothing needs them', () => {
    const empty = { ...node('Constant', [], 'none'), attributes: { value_ints: { ints: [] } } };
    const nodes = [empty, node('Shape', ['none'], 'n'), float('n'), node('Add', ['x', 'f'], 'y')];
    expect(importOnnx(modelBytes({ nodes })).graph.nodes.map(({ op }) => op)).toEqual(['affine']);
  });

  it.each([
    [
      'a cast to a type that is not read',
      [node('Cast', ['a'], 'v', { to: { int: 17 } })],
      /a number type that is read, got "float8e4m3fn"/,
    ],
    [
      'Split into parts that do not cover it',
      [{ ...node('Split', ['i', 'one'], 'v'), outputs: ['v', 'w'] }],
      /2 parts of 3/,
    ],
    [
      'Gather beyond the end',
      [node('Gather', ['i', 'three'], 'v')],
      /an axis of 3 dimensions, got 3/,
    ],
    [
      'Concat of other shapes',
      [node('Concat', ['m', 'a'], 'v', { axis: { int: 0 } })],
      /differ on axis 0 alone/,
    ],
    [
      'a range without end',
      [node('Range', ['start', 'limit', 'nothing'], 'v')],
      /at most 65536 values/,
    ],
    [
      'strings',
      [{ ...node('Constant', [], 'v'), attributes: { value_string: { text: 'x' } } }],
      /a dense number, got value_string/,
    ],
  ] as [string, ModelNode[], RegExp][])('refuses %s', (_, nodes, message) => {
    const all = [...tensors, { ...ints('nothing', [0]), dims: [] }];
    expect(
      messageOf(() => importOnnx(modelBytes({ nodes: added(...nodes), tensors: all }))),
    ).toMatch(message);
  });
});
