/** Small ONNX files that tests describe node by node. */

import {
  floatTensor,
  int64Tensor,
  type OnnxFile,
  type OnnxFileAttribute,
  type OnnxFileNode,
  type OnnxFileTensor,
  writeOnnx,
} from '../../src/formats/onnx/write.ts';
import { mulberry32 } from './graphs.ts';

export function joined(pieces: Iterable<Uint8Array>): Uint8Array {
  return new Uint8Array(Buffer.concat([...pieces]));
}

type Attributes = Readonly<Record<string, OnnxFileAttribute>>;

/** `opType` may carry a domain: `com.microsoft:QGemm`. The node is named like its output. */
export function node(
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = {},
): OnnxFileNode {
  const [operator = '', domain = ''] = opType.split(':').reverse();
  return { name: output, opType: operator, domain, inputs, outputs: [output], attributes };
}

export function floats(name: string, dims: readonly number[], values?: number[]): OnnxFileTensor {
  const count = dims.reduce((product, n) => product * n, 1);
  const random = mulberry32(name.length + count);
  const all = values ?? Array.from({ length: count }, () => random() * 2 - 1);
  return floatTensor(name, dims, () => Float32Array.from(all));
}

export const ints = int64Tensor;

const INT32 = 6;

const INTEGERS = {
  uint8: { dataType: 2, from: Uint8Array },
  int8: { dataType: 3, from: Int8Array },
  uint16: { dataType: 4, from: Uint16Array },
  int16: { dataType: 5, from: Int16Array },
} as const;

export type IntegerType = keyof typeof INTEGERS;

export function bytes(
  name: string,
  dims: readonly number[],
  values: readonly number[],
  type: IntegerType = 'int8',
): OnnxFileTensor {
  const { dataType, from } = INTEGERS[type];
  return { name, dims, dataType, data: new Uint8Array(from.from(values).buffer) };
}

export function int32s(name: string, values: readonly number[]): OnnxFileTensor {
  const data = new Uint8Array(Int32Array.from(values).buffer);
  return { name, dims: [values.length], dataType: INT32, data };
}

/** Input `x` [1, 3, 8, 8]; the output is the last node's unless stated. */
export function onnxFile(
  nodes: readonly OnnxFileNode[],
  initializers: readonly OnnxFileTensor[] = [],
  options: Partial<OnnxFile> = {},
): Uint8Array {
  const last = nodes.at(-1)?.outputs[0] ?? '';
  return joined(
    writeOnnx({
      irVersion: 7,
      opset: 13,
      domains: [['com.microsoft', 1]],
      producer: 'test',
      name: 'test',
      nodes,
      initializers,
      inputs: [{ name: 'x', dims: [1, 3, 8, 8] }],
      outputs: [{ name: last, dims: [1, 'F'] }],
      ...options,
    }),
  );
}

/** About 2 KB with most operators of the family: what damage is tried on. */
export function smallNetwork(): Uint8Array {
  const axes = { axes: { ints: [1, 2] } };
  const conv = (stride: number): Attributes => ({
    kernel_shape: { ints: [3, 3] },
    pads: { ints: [1, 1, 1, 1] },
    strides: { ints: [stride, stride] },
  });
  return onnxFile(
    [
      node('Sub', ['x', 'mean'], 'centred'),
      node('Mul', ['centred', 'scale'], 'scaled'),
      node('Conv', ['scaled', 'w1'], 'c1', conv(28)),
      node('BatchNormalization', ['c1', 'g', 'b', 'm', 'v'], 'n1', { epsilon: { float: 1e-5 } }),
      node('Unsqueeze', ['slopes'], 'slopes3', axes),
      node('PRelu', ['n1', 'slopes3'], 'p1'),
      node('Conv', ['p1', 'w2', 'b2'], 'c2', conv(1)),
      node('Add', ['c2', 'p1'], 'sum'),
      node('GlobalAveragePool', ['sum'], 'pooled'),
      node('Sigmoid', ['pooled'], 'gate'),
      node('Mul', ['sum', 'gate'], 'gated'),
      node('Clip', ['gated'], 'clipped', { min: { float: -3 }, max: { float: 3 } }),
      node('Reshape', ['clipped', 'target'], 'flat'),
      node('Gemm', ['flat', 'w3', 'b3'], 'features', { transB: { int: 1 } }),
      node('LpNormalization', ['features'], 'unit', { axis: { int: 1 } }),
    ],
    [
      floats('mean', [1], [127.5]),
      floats('scale', [1], [1 / 128]),
      floats('w1', [4, 3, 3, 3]),
      floats('g', [4]),
      floats('b', [4]),
      floats('m', [4]),
      floats('v', [4], [1, 2, 0.5, 0.25]),
      floats('slopes', [4], [0.25, -0.5, 0, 1.5]),
      floats('w2', [4, 4, 3, 3]),
      floats('b2', [4]),
      ints('target', [1, -1]),
      floats('w3', [2, 64]),
      floats('b3', [2]),
    ],
    { opset: 11, inputs: [{ name: 'x', dims: [1, 3, 112, 112] }] },
  );
}
