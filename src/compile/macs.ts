/** Multiply-accumulate operations of one operator: convolutions and fully connected layers only. */

import type { Shape } from '../graph/graph.ts';
import type { NetworkOp } from '../graph/network.ts';

export function macsOf(op: NetworkOp, input: Shape, output: Shape): number {
  const count = (shape: Shape): number => shape.reduce((a: number, b) => a * b, 1);
  if (op.op === 'conv') {
    return (count(output) * op.kernel[0] * op.kernel[1] * input[0]) / op.group;
  }
  return op.op === 'fc' ? count(input) * op.outFeatures : 0;
}
