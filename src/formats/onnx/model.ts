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
  /** A subgraph, several tensors or strings: present, and of no use here. */
  readonly other?: true;
}

export interface OnnxValueInfo {
  readonly name: string;
  /** TensorProto.DataType; absent where the file does not say. */
  readonly elementType?: number;
  /** Absent where the file does not say; a dimension is undefined where it is symbolic. */
  readonly dims?: readonly (number | undefined)[];
}
