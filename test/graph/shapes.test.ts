import { describe, expect, it } from 'vitest';
import type { ConvNode, Graph, GraphNode, Shape } from '../../src/graph/graph.ts';
import { inferNetworkShapes, inferNodeShape, inferShapes } from '../../src/graph/shapes.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import { graphOf, mulberry32, randomTensor } from '../support/graphs.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

const random = mulberry32(9);
const vector = (length: number): Float64Array => new Float64Array(length);

function conv(fields: Partial<ConvNode> = {}): ConvNode {
  return {
    op: 'conv',
    name: 'c',
    inputs: ['data'],
    weight: randomTensor(random, 6, 4, 3, 3),
    stride: [1, 1],
    pads: [1, 1, 1, 1],
    group: 1,
    ...fields,
  };
}

const shapeOf = (...nodes: GraphNode[]): unknown =>
  inferShapes(graphOf([4, 8, 6], nodes)).get(nodes.at(-1)?.name ?? '');
const refusal = (...nodes: GraphNode[]): string =>
  messageOf(() => inferShapes(graphOf([4, 8, 6], nodes)));

describe('shape inference', () => {
  it('counts windows of convolutions with strides and uneven pads', () => {
    expect(shapeOf(conv())).toEqual([6, 8, 6]);
    expect(shapeOf(conv({ stride: [2, 2] }))).toEqual([6, 4, 3]);
    expect(shapeOf(conv({ pads: [0, 0, 0, 0] }))).toEqual([6, 6, 4]);
    expect(shapeOf(conv({ stride: [3, 2], pads: [0, 1, 2, 0] }))).toEqual([6, 3, 3]);
    const grouped = { weight: randomTensor(random, 6, 2, 1, 3), group: 2 };
    expect(shapeOf(conv({ ...grouped, pads: [0, 1, 0, 1] }))).toEqual([6, 8, 6]);
  });

  it('follows pooling, gates, flattening and layers to a vector', () => {
    const pool: GraphNode = { op: 'global_average_pool', name: 'p', inputs: ['data'] };
    expect(shapeOf(pool)).toEqual([4, 1, 1]);
    expect(shapeOf(pool, { op: 'gate', name: 'g', inputs: ['data', 'p'] })).toEqual([4, 8, 6]);
    const flat: GraphNode = { op: 'flatten', name: 'f', inputs: ['data'] };
    const weight = randomTensor(random, 5, 192);
    expect(shapeOf(flat, { op: 'fc', name: 'd', inputs: ['f'], weight })).toEqual([5]);
  });

  it.each([
    [
      conv({ weight: randomTensor(random, 6, 3, 3, 3) }),
      'weights for 4 input channels per group, got 3',
    ],
    [conv({ weight: randomTensor(random, 6, 4) }), 'weights [O, I / group, kh, kw], got [6, 4]'],
    [conv({ group: 3 }), 'a group that divides 4 and 6, got 3'],
    [conv({ group: 0 }), 'a group that divides 4 and 6, got 0'],
    [conv({ stride: [0, 1] }), 'kernel and stride of 1..1024, got [3, 3, 0, 1]'],
    [conv({ stride: [1.5, 1] }), 'kernel and stride of 1..1024'],
    [conv({ pads: [0, 0, 0, -1] }), 'four pads of 0..1024, got [0, 0, 0, -1]'],
    [conv({ weight: randomTensor(random, 6, 4, 11, 3) }), 'a padded input of at least 11x3'],
    [conv({ bias: vector(5) }), '6 biases, got 5'],
    [conv({ padValue: vector(6) }), '4 padding values, got 6'],
    [conv({ activation: { kind: 'prelu', slope: vector(1) } }), '6 slopes, got 1'],
    [conv({ inputs: ['data', 'data'] }), 'a residual of shape [6,8,6], got [4, 8, 6]'],
    [conv({ inputs: ['nowhere'] }), 'inputs that come before it, got "nowhere"'],
    [conv({ inputs: [] }), '1 or 2 inputs, got 0'],
    [conv({ name: 'data' }), 'a name of its own'],
  ])('refuses a convolution that does not fit: %#', (node, message) => {
    expect(refusal(node)).toMatch(/^conv "(c|data)": expected /);
    expect(refusal(node)).toContain(message);
  });

  it.each([
    [
      { op: 'affine', name: 'a', inputs: ['data'], scale: vector(3), shift: vector(4) },
      'expected 4 scales, got 3',
    ],
    [
      { op: 'affine', name: 'a', inputs: ['data'], scale: vector(4), shift: vector(3) },
      'expected 4 shifts, got 3',
    ],
    [{ op: 'prelu', name: 'p', inputs: ['data'], slope: vector(1) }, 'expected 4 slopes, got 1'],
    [{ op: 'add', name: 'p', inputs: ['data'] }, 'expected 2 inputs, got 1'],
    [
      { op: 'gate', name: 'g', inputs: ['data', 'data'] },
      'expected a gate of 4 values, got [4, 8, 6]',
    ],
    [{ op: 'mul', name: 'm', inputs: ['data'] }, 'expected 2 inputs, got 1'],
    [{ op: 'equalize_norms', name: 'e', inputs: ['data', 'data'] }, 'expected 1 input, got 2'],
    [{ op: 'sigmoid', name: 's', inputs: ['data', 'data'] }, 'expected 1 input, got 2'],
    [
      { op: 'fc', name: 'd', inputs: ['data'], weight: randomTensor(random, 2, 10) },
      'weights for 192 input features, got 10',
    ],
  ] as [GraphNode, string][])('refuses an operator that does not fit: %#', (node, message) => {
    expect(refusal(node)).toContain(message);
  });

  it('refuses the product of two shapes, and norms of locations where there are none', () => {
    const flat: GraphNode = { op: 'flatten', name: 'f', inputs: ['data'] };
    const pool: GraphNode = { op: 'global_average_pool', name: 'p', inputs: ['data'] };
    const product: GraphNode = { op: 'mul', name: 'm', inputs: ['data', 'p'] };
    expect(refusal(pool, product)).toContain('two inputs of shape [4,8,6], got [4, 1, 1]');
    const norms: GraphNode = { op: 'equalize_norms', name: 'e', inputs: ['f'] };
    expect(refusal(flat, norms)).toContain('an input [C, H, W], got [192]');
  });

  it('bounds activations before anyone allocates them', () => {
    const weight = { shape: [2 ** 20, 1, 1, 1], read: () => new Float32Array() };
    const graph = graphOf([1, 1000, 1000], [conv({ weight, pads: [0, 0, 0, 0] })]);
    expect(messageOf(() => inferShapes(graph))).toMatch(/at most 268435456 outputs/);
    expect(codeOf(() => inferShapes(graphOf([2 ** 20, 2 ** 20, 2 ** 20], [])))).toBe('bad_model');
  });

  it('speaks of the weights file when the network is one', () => {
    const input = { name: 'x', shape: [4, 8, 6] as const };
    const network = {
      name: 'n',
      input,
      ops: [{ op: 'add', name: 'a', inputs: ['x'] } as const],
      output: 'a',
    };
    expect(codeOf(() => inferNetworkShapes(network))).toBe('bad_weights');
  });
});

describe('concat', () => {
  const of = (a: Shape, b: Shape): unknown => {
    const node: GraphNode = { op: 'concat', name: 'j', inputs: ['a', 'b'] };
    try {
      return inferNodeShape(node, [a, b]);
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('adds channels up; a vector is a picture of one pixel', () => {
    expect(of([3, 4, 5], [2, 4, 5])).toEqual([5, 4, 5]);
    expect(of([3], [2])).toEqual([5]);
    expect(of([3, 1, 1], [2])).toEqual([5, 1, 1]);
    expect(of([3], [2, 1, 1])).toEqual([5, 1, 1]);
  });

  it('refuses other sizes', () => {
    expect(of([3, 4, 5], [2, 5, 4])).toBe(
      'concat "j": expected a second input [C, 4, 5], got [2, 5, 4]',
    );
    expect(of([3, 4, 5], [2])).toMatch(/a second input \[C, 4, 5\], got \[2\]/);
    expect(of([3], [2, 2, 1])).toMatch(/a second input \[C, 1, 1\], got \[2, 2, 1\]/);
  });
});

describe('validateGraph', () => {
  const refused = (change: Partial<Graph>, ...nodes: GraphNode[]): string =>
    messageOf(() => validateGraph({ ...graphOf([4, 8, 6], nodes), ...change }));

  it('refuses an operator outside the closed list and says which there are', () => {
    const node = { op: 'softmax', name: 's', inputs: ['data'] } as unknown as GraphNode;
    expect(codeOf(() => validateGraph(graphOf([4, 8, 6], [node])))).toBe('unsupported_operator');
    expect(refused({}, node)).toMatch(/node "s": expected one of conv, fc, .*, got "softmax"/);
    const inherited = { ...node, op: 'constructor' } as unknown as GraphNode;
    expect(refused({}, inherited)).toMatch(/got "constructor"/);
  });

  it('refuses names, outputs and numbers that make no sense', () => {
    expect(refused({})).toMatch(/expected 1\.\.10000 nodes, got 0/);
    expect(refused({}, conv({ name: '' }))).toMatch(/1\.\.256 characters/);
    expect(refused({ output: 'x' }, conv())).toMatch(/graph output: expected the name of a node/);
    const bias = vector(6).fill(Number.NaN, 2, 3);
    expect(refused({}, conv({ bias }))).toBe('conv "c" bias[2]: expected a finite number, got NaN');
    const clip: GraphNode = { op: 'clip', name: 'k', inputs: ['data'], min: 1, max: 0 };
    expect(refused({}, clip)).toMatch(/min <= max/);
    const unit: GraphNode = { op: 'l2_normalize', name: 'u', inputs: ['data'], eps: Number.NaN };
    expect(refused({}, unit)).toMatch(/eps >= 0/);
  });

  it('refuses a node that reads a later one', () => {
    const early = conv({ name: 'early', inputs: ['late'] });
    expect(refused({}, early, conv({ name: 'late' }))).toMatch(/conv "early": expected inputs/);
  });
});
