/** What every importer returns. */

import type { Graph } from '../graph/graph.ts';

export interface Imported {
  readonly graph: Graph;
  readonly format: 'onnx' | 'mxnet' | 'openvino';
  /** For people: 'ONNX opset 8', 'OpenVINO IR v11', 'MXNet 1.2.1'. */
  readonly formatDetail: string;
  /** Channel order the graph's input expects, as far as the file tells. */
  readonly inputOrder: 'rgb' | 'bgr';
  /** The graph starts with its own subtraction and multiplication (InsightFace's rule). */
  readonly ownNormalization: boolean;
  /** What was repaired or assumed, one sentence each. Shown by `convert`. */
  readonly notes: readonly string[];
  /**
   * Quantisation parameters found in an int8 file, by value or weight name of the file, kept for an
   * int8 engine: value = (q - zeroPoint) * scale. One entry per tensor or per output channel.
   */
  readonly quantization?: Readonly<Record<string, Quantization>>;
}

export interface Quantization {
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
}
