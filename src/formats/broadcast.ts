/**
 * Constants against activations by the broadcasting rule that ONNX, MXNet and OpenVINO share
 * (shapes aligned at their ends). Returns one value per channel, or undefined where a constant
 * varies along anything but channels.
 */

import type { Shape, Tensor } from '../graph/graph.ts';

/** `activation` without its batch dimension; the result has its channel count. */
export function channelValues(constant: Tensor, activation: Shape): Float64Array | undefined {
  const full = [1, ...activation];
  const extra = full.length - constant.shape.length;
  const aligned = [...Array<number>(Math.max(extra, 0)).fill(1), ...constant.shape];
  const leading = aligned.splice(0, Math.max(-extra, 0));
  const [batch, channels, ...spatial] = aligned;
  if (batch !== 1 || [...leading, ...spatial].some((n) => n !== 1)) return undefined;
  if (channels !== 1 && channels !== activation[0]) return undefined;
  const values = constant.read();
  if (channels === activation[0]) return Float64Array.from(values);
  return new Float64Array(activation[0]).fill(values[0] as number);
}
