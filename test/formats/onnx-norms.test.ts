/** Every spelling of x / |x| against onnxruntime-web, and the refusals that name the vector before a tail. */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { floats, ints, node } from '../support/onnx-files.ts';
import { type ModelNode, type ModelTensor, modelBytes } from '../support/onnx-model.ts';
import { agree } from '../support/onnx-oracle.ts';
import { messageOf } from '../support/outcome.ts';

const trunk = [node('Flatten', ['x'], 'f'), node('Gemm', ['f', 'w'], 'v', { transB: { int: 1 } })];
const constants: ModelTensor[] = [
  floats('w', [7, 192]),
  floats('two', [], [2]),
  floats('half', [], [0.5]),
  floats('minus half', [], [-0.5]),
  floats('one', [1], [1]),
  floats('tiny', [], [1e-12]),
  floats('small', [], [1e-10]),
  floats('large', [], [3e38]),
  ints('last', [-1]),
  ints('first', [1]),
  ints('shape', [1, 1]),
];
const keep = { keepdims: { int: 1 } };
const drop = { keepdims: { int: 0 } };
const ends = (...nodes: ModelNode[]): ModelNode[] => [...trunk, ...nodes];

const squares: Record<string, ModelNode> = {
  'Pow 2': node('Pow', ['v', 'two'], 'q'),
  'x * x': node('Mul', ['v', 'v'], 'q'),
};
const TAILS: Record<string, ModelNode[]> = {
  LpNormalization: [node('LpNormalization', ['v'], 'y', { axis: { int: 1 }, p: { int: 2 } })],
  'ReduceL2, Div': [node('ReduceL2', ['v', 'last'], 'n', keep), node('Div', ['v', 'n'], 'y')],
  'ReduceL2 without dimensions, Unsqueeze, Div (x / norm[:, None])': [
    node('ReduceL2', ['v', 'last'], 'n', drop),
    node('Unsqueeze', ['n', 'first'], 'u'),
    node('Div', ['v', 'u'], 'y'),
  ],
  'ReduceL2, Reciprocal, Mul': [
    node('ReduceL2', ['v', 'first'], 'n', keep),
    node('Reciprocal', ['n'], 'r'),
    node('Mul', ['v', 'r'], 'y'),
  ],
  'ReduceL2, 1 / norm, Mul the other way round': [
    node('ReduceL2', ['v', 'first'], 'n', keep),
    node('Div', ['one', 'n'], 'r'),
    node('Mul', ['r', 'v'], 'y'),
  ],
  'Abs, ReduceL2 (torch 2.1)': [
    node('Abs', ['v'], 'a'),
    node('Identity', ['v'], 'same'),
    node('ReduceL2', ['v', 'first'], 'n', keep),
    node('Div', ['same', 'n'], 'y'),
  ],
  "ReduceL2, Clip, Expand, Div (torch's F.normalize)": [
    node('ReduceL2', ['v', 'first'], 'n', keep),
    node('Clip', ['n', 'tiny'], 'c'),
    node('Shape', ['v'], 's'),
    node('Expand', ['c', 's'], 'e'),
    node('Div', ['v', 'e'], 'y'),
  ],
  'ReduceL2, Max, Div': [
    node('ReduceL2', ['v', 'first'], 'n', keep),
    node('Max', ['tiny', 'n'], 'c'),
    node('Div', ['v', 'c'], 'y'),
  ],
  'ReduceL2, Clip with both bounds': [
    node('ReduceL2', ['v', 'first'], 'n', keep),
    node('Clip', ['n', 'tiny', 'large'], 'c'),
    node('Div', ['v', 'c'], 'y'),
  ],
  'ReduceL2 + eps': [
    node('ReduceL2', ['v', 'first'], 'n', keep),
    node('Add', ['tiny', 'n'], 'c'),
    node('Div', ['v', 'c'], 'y'),
  ],
  'ReduceSumSquare, Sqrt': [
    node('ReduceSumSquare', ['v', 'last'], 'q', keep),
    node('Sqrt', ['q'], 'n'),
    node('Div', ['v', 'n'], 'y'),
  ],
  "max(sum, eps), Sqrt, Reciprocal (TensorFlow's l2_normalize)": [
    node('Mul', ['v', 'v'], 'q'),
    node('ReduceSum', ['q', 'first'], 's', keep),
    node('Max', ['s', 'tiny'], 'm'),
    node('Sqrt', ['m'], 'n'),
    node('Reciprocal', ['n'], 'r'),
    node('Mul', ['v', 'r'], 'y'),
  ],
  'sum + eps, Pow -0.5': [
    node('Pow', ['v', 'two'], 'q'),
    node('ReduceSum', ['q', 'first'], 's', keep),
    node('Add', ['s', 'small'], 'a'),
    node('Pow', ['a', 'minus half'], 'r'),
    node('Mul', ['v', 'r'], 'y'),
  ],
  'Reshape and Cast of the norm': [
    node('ReduceL2', ['v', 'first'], 'n', drop),
    node('Cast', ['n'], 'k', { to: { int: 1 } }),
    node('Reshape', ['k', 'shape'], 'u'),
    node('Div', ['v', 'u'], 'y'),
  ],
};
for (const [name, square] of Object.entries(squares)) {
  for (const [root, inputs] of [
    ['Sqrt', ['s']],
    ['Pow', ['s', 'half']],
  ] as const) {
    TAILS[`${name}, ReduceSum, ${root}, Div`] = [
      square,
      node('ReduceSum', ['q', 'last'], 's', keep),
      node(root, inputs, 'n'),
      node('Div', ['v', 'n'], 'y'),
    ];
  }
}

describe('L2 normalisation', () => {
  it.each(Object.keys(TAILS))('is read from %s', async (name) => {
    const nodes = ends(...(TAILS[name] as ModelNode[]));
    const got = await agree(nodes, constants);
    expect(Math.hypot(...got)).toBeCloseTo(1, 6);
    const { graph } = importOnnx(modelBytes({ nodes, tensors: constants }));
    expect(graph.nodes.map(({ op }) => op)).toEqual(['flatten', 'fc', 'l2_normalize']);
  });

  it('is read with axes as attributes, before opset 13 and 18', async () => {
    const axes = { axes: { ints: [1] }, ...keep };
    const l2 = [node('ReduceL2', ['v'], 'n', axes), node('Div', ['v', 'n'], 'y')];
    await agree(ends(...l2), constants, { opset: 13 });
    const sum = [
      node('Mul', ['v', 'v'], 'q'),
      node('ReduceSum', ['q'], 's', axes),
      node('Sqrt', ['s'], 'n'),
      node('Div', ['v', 'n'], 'y'),
    ];
    await agree(ends(...sum), constants, { opset: 11 });
  });

  it('is read from a value [1, 1, 1, F] and [1, F, 1, 1]', async () => {
    for (const [shape, axis] of [
      [[1, 1, 1, 7], 3],
      [[1, 7, 1, 1], 1],
    ] as const) {
      const nodes = ends(
        node('Reshape', ['v', 'to'], 'r'),
        node('ReduceL2', ['r', 'axis'], 'n', keep),
        node('Div', ['r', 'n'], 'd'),
        node('Flatten', ['d'], 'y'),
      );
      await agree(nodes, [...constants, ints('to', [...shape]), ints('axis', [axis])]);
    }
  });

  it('leaves squares that something else needs what they are', async () => {
    const nodes = ends(node('Mul', ['v', 'v'], 'q'), node('Add', ['q', 'v'], 'y'));
    await agree(nodes, constants);
    await agree(ends(node('Pow', ['v', 'two'], 'y')), constants);
  });

  it('gives the embedding where the norm is a second output (AdaFace)', async () => {
    const nodes = ends(
      node('ReduceL2', ['v', 'first'], 'norm', keep),
      node('Div', ['v', 'norm'], 'y'),
    );
    await agree(nodes, constants, { outputs: ['y', 'norm'] });
    const bytes = modelBytes({ nodes, tensors: constants, outputs: ['norm', 'y'] });
    expect(messageOf(() => importOnnx(bytes))).toMatch(
      /an output that depends on the picture and is a vector, got "norm", a norm; its outputs are "norm", "y"/,
    );
  });
});

describe('a tail that is none', () => {
  const refusal = (...nodes: ModelNode[]): string =>
    messageOf(() => importOnnx(modelBytes({ nodes: ends(...nodes), tensors: constants })));
  const l2 = node('ReduceL2', ['v', 'first'], 'n', keep);

  it.each([
    ['another power', [node('Pow', ['v', 'half'], 'y')], /Pow "y": expected a step of an L2/],
    ['the norm as a factor', [l2, node('Mul', ['v', 'n'], 'y')], /the norm as a divisor/],
    ['a difference', [l2, node('Sub', ['v', 'n'], 'y')], /Sub of a norm/],
    [
      'the norm of something else',
      [l2, node('Relu', ['v'], 'r'), node('Div', ['r', 'n'], 'y')],
      /divided by its own norm/,
    ],
    ['a sum of values', [node('ReduceSum', ['v', 'first'], 'y', keep)], /over height and width/],
    ['softmax', [node('Softmax', ['v'], 'y')], /operator Softmax of ai.onnx/],
    [
      'a floor that is none',
      [l2, node('Max', ['n', 'one'], 'm'), node('Div', ['v', 'm'], 'y')],
      /floor/,
    ],
    [
      'the norm by channel',
      [node('ReduceL2', ['x', 'first'], 'y', keep)],
      /all features of a vector/,
    ],
  ] as const)('is refused: %s', (_, nodes, message) => {
    expect(refusal(...nodes)).toMatch(message);
  });

  it('names --value and the vector before it', () => {
    const wayOut = 'if the embedding is the value before it, give --value "v"';
    expect(refusal(node('Pow', ['v', 'half'], 'y')).endsWith(wayOut)).toBe(true);
    expect(refusal(l2, node('Mul', ['n', 'v'], 'y')).endsWith(wayOut)).toBe(true);
    expect(refusal(node('Erf', ['v'], 'e'), node('Relu', ['e'], 'y')).endsWith(wayOut)).toBe(true);
    // Before any vector there is nothing to name.
    const early = modelBytes({ nodes: [node('Erf', ['x'], 'y')], tensors: constants });
    expect(messageOf(() => importOnnx(early))).not.toMatch(/--value/);
  });

  it('is left out with that value', async () => {
    const nodes = ends(node('Erf', ['v'], 'y'));
    const { graph } = importOnnx(modelBytes({ nodes, tensors: constants }), { output: 'v' });
    expect(graph.output).toBe('v');
  });
});
