/**
 * Constants against activations by the broadcasting rule that ONNX, MXNet and OpenVINO share
 * (shapes aligned at their ends). Returns one value per channel, or undefined where a constant
 * varies along anything but channels.
 */

import type { Shape, Tensor } from '../graph/graph.ts';

/** `activation` without its batch dimension; the result has its channel count. */
export function channelValues(constant: Tensor, activation: Shape): Float64Array | undefined {
  if (!isPerChannel(constant.shape, activation)) return undefined;
  const values = exactValues(constant);
  const shared = values.length === 1;
  return shared ? new Float64Array(activation[0]).fill(values[0] as number) : values;
}

/** In float64, before any rounding to f32 where the tensor knows them. */
export function exactValues(constant: Tensor): Float64Array {
  return constant.readExact?.() ?? Float64Array.from(constant.read());
}

/** Whether a constant of `shape` holds one value, or one for each channel of `activation`. */
export function isPerChannel(shape: readonly number[], activation: readonly number[]): boolean {
  const extra = activation.length + 1 - shape.length;
  const aligned = [...Array<number>(Math.max(extra, 0)).fill(1), ...shape];
  const leading = aligned.splice(0, Math.max(-extra, 0));
  const [batch, channels, ...spatial] = aligned;
  const others = [...leading, batch, ...spatial];
  return others.every((n) => n === 1) && (channels === 1 || channels === activation[0]);
}
