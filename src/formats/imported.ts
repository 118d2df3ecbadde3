/** What every importer returns. */

import type { Graph } from '../graph/graph.ts';
import type { Claim } from '../graph/preprocessing.ts';
import type { Training } from './training.ts';

export interface Imported {
  readonly graph: Graph;
  readonly format: 'onnx' | 'mxnet' | 'openvino';
  /** For people: 'ONNX opset 8', 'OpenVINO IR v11', 'MXNet 1.2.1'. */
  readonly formatDetail: string;
  /** What the file and its graph say about preprocessing, in any order; `convert/preprocessing.ts` chooses. */
  readonly claims: readonly Claim[];
  /**
   * Whether a converter exchanged the channels, or the graph does, so that the graph takes the reverse of
   * the order that the network was trained on; absent where the file does not say.
   */
  readonly reversedChannels?: boolean | undefined;
  /** 'none' where the file says that its weights are seeded random numbers; absent is 'unknown'. */
  readonly training?: Training | undefined;
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
