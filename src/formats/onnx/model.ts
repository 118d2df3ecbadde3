/** The part of ONNX's ModelProto that importers need, as plain data. Source: onnx.proto3. */

import type { OnnxTensor } from './tensor.ts';

export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  /** `metadata_props`, by key. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Version by domain; '' is the default domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: OnnxGraph;
  /** Operators that the file defines by other nodes, by `keyOf` their calls. */
  readonly functions: ReadonlyMap<string, OnnxFunction>;
  /** Tensors whose values lie in other files. */
  readonly externalTensors: readonly OnnxTensor[];
}

export interface OnnxFunction {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Defaults of attributes that a call may leave out. */
  readonly defaults: ReadonlyMap<string, OnnxAttribute>;
  readonly opsets: ReadonlyMap<string, number>;
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
}

export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** '' is the default domain. */
  readonly domain: string;
  /** Which of several functions of one name is called. */
  readonly overload?: string;
  /** Version of the default domain, where it is another than the model's. */
  readonly opset?: number | undefined;
  /** '' stands for an optional input that is absent. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** Exactly the field that the file stated is set. */
export interface OnnxAttribute {
  readonly float?: number;
  readonly int?: number;
  readonly text?: string;
  readonly tensor?: OnnxTensor;
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
  /** The branch of an If. */
  readonly graph?: OnnxGraph;
  /** In a function: the attribute of the call that stands here. */
  readonly reference?: string;
  /** Several graphs, tensors or strings: present, and of no use here. */
  readonly other?: true;
}

export function keyOf(operator: Pick<OnnxNode, 'domain' | 'opType' | 'overload'>): string {
  const { domain, opType, overload } = operator;
  const name = domain ? `${domain}:${opType}` : opType;
  return overload ? `${name}:${overload}` : name;
}

export interface OnnxValueInfo {
  readonly name: string;
  /** TensorProto.DataType; absent where the file does not say. */
  readonly elementType?: number;
  /** Absent where the file does not say; a dimension is undefined where it is symbolic. */
  readonly dims?: readonly (number | undefined)[];
}
