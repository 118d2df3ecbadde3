/**
 * Truth for a whole graph: every node in float64, folded forms included (padding values, residual
 * as second input of a convolution, activation in the epilogue). Returns every value by name, so
 * tests can compare layer by layer. Refuses what shape inference refuses.
 */

import { ArcfaceError } from '../errors.ts';
import type { Graph, GraphNode, Shape, Tensor } from '../graph/graph.ts';
import { sizeOf } from '../graph/limits.ts';
import { convExtents, inferShapes } from '../graph/shapes.ts';
import { convReference, fcReference } from './conv.ts';
import {
  activationReference,
  addReference,
  affineReference,
  clipReference,
  equalizeNormsReference,
  gateReference,
  globalAveragePoolReference,
  l2NormalizeReference,
  mulReference,
  preluReference,
  sigmoidReference,
  subsampleReference,
} from './pointwise.ts';

/** `input` is [C, H, W] as the graph's input states; values of [C, H, W] come back C-major. */
export function evaluateGraph(
  graph: Graph,
  input: Float32Array | Float64Array,
): Map<string, Float64Array> {
  const shapes = inferShapes(graph);
  const { name, shape } = graph.input;
  if (input.length !== sizeOf(shape)) {
    const message = `reference input: expected ${sizeOf(shape)} values, got ${input.length}`;
    throw new ArcfaceError('bad_argument', message);
  }
  const values = new Map<string, Float64Array>([[name, Float64Array.from(input)]]);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((from) => values.get(from) as Float64Array);
    values.set(node.name, evaluateNode(node, inputs, shapes.get(node.inputs[0] ?? '') as Shape));
  }
  return values;
}

/** One node on inputs of the right sizes; `shape` is the first input's. */
export function evaluateNode(
  node: GraphNode,
  inputs: readonly Float64Array[],
  shape: Shape,
): Float64Array {
  const [x, second] = inputs as readonly [Float64Array, Float64Array?];
  switch (node.op) {
    case 'conv': {
      const constants = { weight: exact(node.weight), bias: node.bias, padValue: node.padValue };
      const extents = convExtents(node.weight.shape, node);
      const sum = convReference(x, shape as [number, number, number], constants, extents);
      return activationReference(second ? addReference(sum, second) : sum, node.activation);
    }
    case 'fc':
      return activationReference(fcReference(x, exact(node.weight), node.bias), node.activation);
    case 'affine':
      return affineReference(x, node.scale, node.shift);
    case 'prelu':
      return preluReference(x, node.slope);
    case 'clip':
      return clipReference(x, node.min, node.max);
    case 'sigmoid':
      return sigmoidReference(x);
    case 'add':
      return addReference(x, second as Float64Array);
    case 'mul':
      return mulReference(x, second as Float64Array);
    case 'concat':
      return Float64Array.of(...x, ...(second as Float64Array));
    case 'gate':
      return gateReference(x, second as Float64Array);
    case 'subsample': {
      const sizes = shape as [number, number, number];
      return subsampleReference(x, sizes, node.stride, node.offset ?? [0, 0]);
    }
    case 'global_average_pool':
      return globalAveragePoolReference(x, shape[0]);
    case 'flatten':
      return x;
    case 'equalize_norms':
      return equalizeNormsReference(x, shape[0]);
    case 'l2_normalize':
      return l2NormalizeReference(x, node.eps);
  }
}

/** The values before any rounding to f32, where the tensor knows them. */
function exact(tensor: Tensor): Float32Array | Float64Array {
  return tensor.readExact?.() ?? tensor.read();
}
