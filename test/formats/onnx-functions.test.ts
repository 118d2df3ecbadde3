/**
 * Graphs as torch's exporters of 2.1 to 2.5 leave them without an optimiser: every operator a function of
 * the file, conditions that are constant, shapes computed step by step. Right values: onnxruntime-web.
 */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { floats, ints, node } from '../support/onnx-files.ts';
import {
  FLOAT_ATTRIBUTE,
  INT_ATTRIBUTE,
  INTS_ATTRIBUTE,
  type ModelFunction,
  type ModelNode,
  type ModelTensor,
  modelBytes,
} from '../support/onnx-model.ts';
import { agree, noise } from '../support/onnx-oracle.ts';
import { messageOf } from '../support/outcome.ts';

const LIB = 'pkg.onnxscript.torch_lib';
const COMMON = `${LIB}.common`;
const constant = (name: string, value: number | number[]): ModelNode =>
  node(
    'Constant',
    [],
    name,
    Array.isArray(value) ? { value_ints: { ints: value } } : { value_int: { int: value } },
  );
const branch = (nodes: ModelNode[], output: string) => ({ graph: { nodes, outputs: [output] } });
const when = (condition: string, output: string, yes: ModelNode[], no: ModelNode[]): ModelNode => ({
  ...node('If', [condition], output),
  attributes: {
    then_branch: branch(yes, yes.at(-1)?.outputs[0] ?? ''),
    else_branch: branch(no, no.at(-1)?.outputs[0] ?? ''),
  },
});

const rank: ModelFunction = {
  domain: COMMON,
  name: 'Rank',
  inputs: ['input'],
  outputs: ['return_val'],
  nodes: [node('Shape', ['input'], 'tmp'), node('Size', ['tmp'], 'return_val')],
};
/** As torch_lib had it: the rank is asked, the slopes are reshaped in one of two branches. */
const prelu: ModelFunction = {
  domain: LIB,
  name: 'aten_prelu',
  inputs: ['self', 'weight'],
  outputs: ['result'],
  nodes: [
    node(`${COMMON}:Rank`, ['self'], 'rank'),
    constant('zero', 0),
    node('Equal', ['rank', 'zero'], 'scalar'),
    when(
      'scalar',
      'slope',
      [constant('none', [1]), node('Reshape', ['weight', 'none'], 'w0')],
      [
        constant('one', [1]),
        constant('minus_one', [-1]),
        constant('two', 2),
        node('Sub', ['rank', 'two'], 'rest'),
        constant('vector', [-1]),
        node('Reshape', ['rest', 'vector'], 'count'),
        {
          ...node('ConstantOfShape', ['count'], 'ones'),
          attributes: { value: { tensor: ints('v', [1]) } },
        },
        node('Concat', ['minus_one', 'ones'], 'shape', { axis: { int: 0 } }),
        node('Reshape', ['weight', 'shape'], 'w1'),
      ],
    ),
    node('PRelu', ['self', 'slope'], 'result'),
  ],
};
const conv: ModelFunction = {
  domain: LIB,
  name: 'aten_convolution_onnx',
  inputs: ['input', 'weight', 'bias'],
  outputs: ['result'],
  attributes: ['strides', 'pads', 'groups'],
  nodes: [
    {
      ...node('Conv', ['input', 'weight', 'bias'], 'result'),
      attributes: {
        strides: { reference: 'strides', kind: INTS_ATTRIBUTE },
        pads: { reference: 'pads', kind: INTS_ATTRIBUTE },
        group: { reference: 'groups', kind: INT_ATTRIBUTE },
      },
    },
  ],
};
const maxPool: ModelFunction = {
  domain: LIB,
  name: 'aten_max_pool2d_with_indices',
  inputs: ['self'],
  outputs: ['result', 'indices'],
  attributes: ['strides'],
  nodes: [
    node(`${COMMON}:Rank`, ['self'], 'rank'),
    constant('three', 3),
    node('Equal', ['rank', 'three'], 'unbatched'),
    constant('axes', [0]),
    when(
      'unbatched',
      'batched',
      [node('Unsqueeze', ['self', 'axes'], 'b0')],
      [node('Identity', ['self'], 'b1')],
    ),
    {
      ...node('MaxPool', ['batched'], 'pooled', { kernel_shape: { ints: [1, 1] } }),
      outputs: ['pooled', 'indices'],
      attributes: {
        kernel_shape: { ints: [1, 1] },
        strides: { reference: 'strides', kind: INTS_ATTRIBUTE },
      },
    },
    when(
      'unbatched',
      'result',
      [node('Squeeze', ['pooled', 'axes'], 'r0')],
      [node('Identity', ['pooled'], 'r1')],
    ),
  ],
};
const batchNorm: ModelFunction = {
  domain: LIB,
  name: '_aten_native_batch_norm_inference_onnx',
  inputs: ['input', 'weight', 'bias', 'running_mean', 'running_var'],
  outputs: ['norm', 'invstd'],
  attributes: ['eps'],
  nodes: [
    {
      ...node(
        'BatchNormalization',
        ['input', 'weight', 'bias', 'running_mean', 'running_var'],
        'norm',
      ),
      attributes: {
        epsilon: { reference: 'eps', kind: FLOAT_ATTRIBUTE },
        training_mode: { int: 0 },
      },
    },
    node('Sqrt', ['running_var'], 'root'),
    node('Reciprocal', ['root'], 'invstd'),
  ],
};
const addmm: ModelFunction = {
  domain: LIB,
  name: 'aten_addmm',
  inputs: ['self', 'mat1', 'mat2'],
  outputs: ['return_val'],
  attributes: [],
  defaults: { alpha: { float: 1 }, beta: { float: 1 } },
  nodes: [
    {
      ...node('Gemm', ['mat1', 'mat2', 'self'], 'return_val'),
      attributes: {
        alpha: { reference: 'alpha', kind: FLOAT_ATTRIBUTE },
        beta: { reference: 'beta', kind: FLOAT_ATTRIBUTE },
      },
    },
  ],
};
const transposed: ModelFunction = {
  domain: LIB,
  name: 'aten_t',
  inputs: ['self'],
  outputs: ['result'],
  nodes: [
    node(`${COMMON}:Rank`, ['self'], 'rank'),
    constant('two', 2),
    node('Less', ['rank', 'two'], 'low'),
    when(
      'low',
      'result',
      [node('Identity', ['self'], 't0')],
      [node('Transpose', ['self'], 't1', { perm: { ints: [1, 0] } })],
    ),
  ],
};
const view: ModelFunction = {
  domain: LIB,
  name: 'aten_view',
  inputs: ['self', 'size'],
  outputs: ['return_val'],
  nodes: [
    node('Cast', ['size'], 'size_0', { to: { int: 7 } }),
    node('Reshape', ['self', 'size_0'], 'return_val'),
  ],
};
const add: ModelFunction = {
  domain: LIB,
  name: 'aten_add',
  inputs: ['self', 'other'],
  outputs: ['return_val'],
  defaults: { alpha: { float: 1 } },
  nodes: [
    {
      ...node('Constant', [], 'alpha'),
      attributes: { value_float: { reference: 'alpha', kind: FLOAT_ATTRIBUTE } },
    },
    node('CastLike', ['alpha', 'other'], 'alpha_0'),
    node('Mul', ['other', 'alpha_0'], 'other_1'),
    node('Add', ['self', 'other_1'], 'return_val'),
  ],
};
/** `torch.nn.functional.normalize` as a function of functions. */
const normalize: ModelFunction = {
  domain: 'pkg.torch.nn',
  name: 'Normalize',
  inputs: ['x'],
  outputs: ['y'],
  nodes: [
    node('Abs', ['x'], 'abs'),
    { ...node('Constant', [], 'p'), attributes: { value_float: { float: 2 } } },
    node('Pow', ['abs', 'p'], 'powers'),
    constant('dim', [1]),
    node('ReduceSum', ['powers', 'dim'], 'sum', { keepdims: { int: 1 } }),
    { ...node('Constant', [], 'q'), attributes: { value_float: { float: 0.5 } } },
    node('Pow', ['sum', 'q'], 'norm'),
    { ...node('Constant', [], 'eps'), attributes: { value_float: { float: 1e-12 } } },
    node('Clip', ['norm', 'eps'], 'clamped'),
    node('Shape', ['x'], 'size'),
    node('Expand', ['clamped', 'size'], 'expanded'),
    node('Div', ['x', 'expanded'], 'y'),
  ],
};
const functions = [rank, prelu, conv, maxPool, batchNorm, addmm, transposed, view, add, normalize];

const call = (
  name: string,
  inputs: string[],
  output: string,
  attributes: ModelNode['attributes'] = {},
): ModelNode => ({ ...node(`${LIB}:${name}`, inputs, output), attributes });
const graph: ModelNode[] = [
  call('aten_convolution_onnx', ['x', 'w1', 'b1'], 'c1', {
    strides: { ints: [1, 1] },
    pads: { ints: [1, 1, 1, 1] },
    groups: { int: 1 },
  }),
  call('aten_prelu', ['c1', 'slopes'], 'p1'),
  {
    ...call('aten_max_pool2d_with_indices', ['p1'], 'short', { strides: { ints: [2, 2] } }),
    outputs: ['short', 'indices'],
  },
  {
    ...call('_aten_native_batch_norm_inference_onnx', ['p1', 'g', 'b', 'm', 'v'], 'n1', {
      eps: { float: 1e-5 },
    }),
    outputs: ['n1', 'unused'],
  },
  call('aten_convolution_onnx', ['n1', 'w2', 'b2'], 'c2', {
    strides: { ints: [2, 2] },
    pads: { ints: [1, 1, 1, 1] },
    groups: { int: 1 },
  }),
  call('aten_add', ['c2', 'short'], 'sum'),
  call('aten_view', ['sum', 'size'], 'flat'),
  call('aten_t', ['w3'], 'w3t'),
  call('aten_addmm', ['b3', 'flat', 'w3t'], 'fc'),
  node('pkg.torch.nn:Normalize', ['fc'], 'y'),
];
const tensors: ModelTensor[] = [
  floats('w1', [4, 3, 3, 3]),
  floats('b1', [4]),
  floats('slopes', [4], [0.25, -0.5, 0, 1.5]),
  floats('g', [4]),
  floats('b', [4]),
  floats('m', [4]),
  floats('v', [4], [1, 2, 0.5, 0.25]),
  floats('w2', [4, 4, 3, 3]),
  floats('b2', [4]),
  ints('size', [1, 64]),
  floats('w3', [6, 64]),
  floats('b3', [6]),
];

describe('functions that a file defines', () => {
  it('are read in the place of their calls, branches, attributes and defaults included', async () => {
    const got = await agree(graph, tensors, { functions });
    expect(Math.hypot(...got)).toBeCloseTo(1, 6);
    const read = importOnnx(modelBytes({ nodes: graph, tensors, functions }));
    expect(read.graph.nodes.map(({ op }) => op)).toEqual(
      'conv prelu subsample affine conv affine add flatten fc l2_normalize'.split(' '),
    );
    expect(read.graph.output).toBe('y');
  });

  it('give values of their calls by name, and inner ones by both', () => {
    const bytes = modelBytes({ nodes: graph, tensors, functions });
    expect(importOnnx(bytes, { output: 'fc' }).graph.output).toBe('fc');
    expect(importOnnx(bytes, { output: 'sum/other_1' }).graph.output).toMatch(/short|other_1/);
  });

  it('that only hand a value on are read', async () => {
    const twice: ModelFunction = {
      domain: 'acme',
      name: 'Twice',
      inputs: ['a'],
      outputs: ['a', 'b'],
      nodes: [node('Relu', ['a'], 'b')],
    };
    const nodes = [
      { ...node('acme:Twice', ['x'], 'p'), outputs: ['p', 'q'] },
      node('Sub', ['p', 'q'], 'y'),
    ];
    const bytes = modelBytes({ nodes, functions: [twice] });
    const x = noise([1, 3, 8, 8]);
    const got = evaluateGraph(importOnnx(bytes).graph, x).get('y') as Float64Array;
    for (const [i, value] of x.entries()) expect(got[i]).toBeCloseTo(Math.min(value, 0), 6);
  });

  it('do not replace what is read by name', () => {
    const mine: ModelFunction = {
      domain: '',
      name: 'Relu',
      inputs: ['a'],
      outputs: ['b'],
      nodes: [node('Erf', ['a'], 'b')],
    };
    const { graph: read } = importOnnx(
      modelBytes({ nodes: [node('Relu', ['x'], 'y')], functions: [mine] }),
    );
    expect(read.nodes.map(({ op }) => op)).toEqual(['prelu']);
  });

  it('that call themselves, or grow without end, are refused', () => {
    const endless: ModelFunction = {
      domain: 'acme',
      name: 'F',
      inputs: ['a'],
      outputs: ['b'],
      nodes: [node('acme:F', ['a'], 'b')],
    };
    const refused = (all: ModelFunction[], name: string) =>
      messageOf(() =>
        importOnnx(modelBytes({ nodes: [node(`acme:${name}`, ['x'], 'y')], functions: all })),
      );
    expect(refused([endless], 'F')).toMatch(
      /function "acme:F": expected functions at most 32 deep/,
    );
    const levels = Array.from({ length: 20 }, (_, i): ModelFunction => {
      const calls = Array.from({ length: 10 }, (__, k) => node(`acme:L${i + 1}`, ['a'], `b${k}`));
      return {
        domain: 'acme',
        name: `L${i}`,
        inputs: ['a'],
        outputs: ['b0'],
        nodes: i === 19 ? [] : calls,
      };
    });
    expect(refused(levels, 'L0')).toMatch(/at most 200000 copied nodes/);
  });

  it('name the operator inside that is not read', () => {
    const inner: ModelFunction = {
      domain: 'acme',
      name: 'F',
      inputs: ['a'],
      outputs: ['b'],
      nodes: [node('Erf', ['a'], 'b')],
    };
    const bytes = modelBytes({ nodes: [node('acme:F', ['x'], 'y')], functions: [inner] });
    expect(messageOf(() => importOnnx(bytes))).toMatch(
      /^ONNX operator Erf of ai\.onnx: .* got node "y"/,
    );
  });
});

describe('conditions', () => {
  it('that depend on the picture are refused', () => {
    const zero = floats('zero', [], [0]);
    const nodes = [
      node('Greater', ['x', 'zero'], 'c'),
      when('c', 'y', [node('Relu', ['x'], 'a')], [node('Sigmoid', ['x'], 'b')]),
    ];
    expect(messageOf(() => importOnnx(modelBytes({ nodes, tensors: [zero] })))).toMatch(
      /If "y": expected a condition that is constant, got a comparison of values/,
    );
  });

  it('are nested as exporters nest them, and not deeper', async () => {
    const yes = { name: 'yes', dims: [], dataType: 9, data: Uint8Array.of(1) };
    const inner = when('yes', 'i', [node('Relu', ['x'], 'a')], [node('Sigmoid', ['x'], 'b')]);
    const outer = when('yes', 'y', [inner, node('Neg', ['i'], 'n')], [node('Sigmoid', ['x'], 'd')]);
    await agree([outer], [yes]);
    let nested = node('Relu', ['x'], 'n') as ModelNode;
    for (let i = 0; i < 12; i++)
      nested = when('yes', `v${i}`, [nested], [node('Relu', ['x'], `o${i}`)]);
    expect(messageOf(() => importOnnx(modelBytes({ nodes: [nested], tensors: [yes] })))).toMatch(
      /at most 8 graphs inside each other/,
    );
  });
});
