/** A graph as importers return it, written as ONNX: to have one network in several published forms. */
import { foldBehind } from '../../dist/convert/fold-affine.js';
import { writeOnnx } from '../../dist/formats/onnx/write.js';

const EPS = 1e-5;
/** ONNX's number of f32. */
const FLOAT = 1;

/** @returns {Uint8Array} */
export function onnxOfGraph(graph) {
  const initializers = [];
  const constant = (name, dims, values) => {
    const data = new Uint8Array(Float32Array.from(values()).buffer);
    initializers.push({ name, dims, dataType: FLOAT, data });
    return name;
  };
  const nodes = graph.nodes.flatMap((node) => nodesOf(node, constant));
  const file = {
    irVersion: 6,
    opset: 11,
    producer: 'bench',
    name: graph.name,
    nodes,
    initializers,
    inputs: [{ name: graph.input.name, dims: [1, ...graph.input.shape] }],
    outputs: [{ name: graph.output, dims: [1, 'None'] }],
  };
  return new Uint8Array(Buffer.concat([...writeOnnx(file)]));
}

function nodesOf(node, constant) {
  const { name } = node;
  const make = (opType, constants = [], attributes = {}, inputs = node.inputs, output = name) => ({
    name: output,
    opType,
    inputs: [...inputs, ...constants],
    outputs: [output],
    attributes,
  });
  const vector = (role, values, dims = [values.length]) =>
    constant(`${name}_${role}`, dims, () => values);
  switch (node.op) {
    case 'conv': {
      const { weight, bias, stride, pads, group } = node;
      const constants = [constant(`${name}_weight`, weight.shape, () => weight.read())];
      if (bias) constants.push(vector('bias', bias));
      return [
        make('Conv', constants, {
          strides: { ints: stride },
          pads: { ints: pads },
          group: { int: group },
        }),
      ];
    }
    case 'affine':
      return node.remembered
        ? [make('BatchNormalization', normOf(node, vector), epsilon())]
        : scaleAndShift(node, make, vector);
    case 'prelu':
      return [make('PRelu', [vector('slope', node.slope, [node.slope.length, 1, 1])])];
    case 'add':
      return [make('Add')];
    case 'flatten':
      return [make('Flatten', [], { axis: { int: 1 } })];
    case 'fc': {
      const { weight, bias } = node;
      const constants = [constant(`${name}_weight`, weight.shape, () => weight.read())];
      if (bias) constants.push(vector('bias', bias));
      return [make('Gemm', constants, { transB: { int: 1 } })];
    }
    default:
      throw new Error(`onnxOfGraph: ${node.op} is not written`);
  }
}

const epsilon = () => ({ epsilon: { float: EPS } });

function normOf({ scale, shift, remembered: { mean, variance } }, vector) {
  return [
    vector(
      'gamma',
      scale.map((s, c) => s * Math.sqrt(variance[c] + EPS)),
    ),
    vector(
      'beta',
      shift.map((t, c) => t + mean[c] * scale[c]),
    ),
    vector('mean', mean),
    vector('variance', variance),
  ];
}

function scaleAndShift({ name, inputs, scale, shift }, make, vector) {
  const dims = [scale.length, 1, 1];
  const half = `${name}_scaled`;
  return [
    make('Mul', [vector('scale', scale, dims)], {}, inputs, half),
    make('Add', [vector('shift', shift, dims)], {}, [half]),
  ];
}

/** Every batch norm behind a convolution becomes part of it, as torch's exporter does. */
export function withFoldedNorms(graph) {
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  const folded = new Map();
  const nodes = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => folded.get(name) ?? name);
    const before = byName.get(node.inputs[0]);
    if (node.op === 'affine' && before?.op === 'conv') {
      const at = nodes.findIndex(({ name }) => name === before.name);
      nodes[at] = foldBehind(nodes[at], node);
      folded.set(node.name, before.name);
    } else nodes.push({ ...node, inputs });
  }
  return { ...graph, nodes, output: folded.get(graph.output) ?? graph.output };
}
