/** What the layers of an IR file are imported into: values that depend on the picture, and constants. */

import type { Tensor } from '../../graph/graph.ts';
import type { View } from '../axes.ts';
import type { ElementType } from '../element-types.ts';
import type { NormStep, Square } from '../norm-steps.ts';

/** A value of the graph, as the file sees it: with a batch of 1, in any order of axes. */
export interface Activation extends View {
  readonly kind: 'activation';
  readonly name: string;
  /** Of an integer type in the file: pixels, before they are converted. */
  readonly integer?: true | undefined;
}

export interface Constant {
  readonly kind: 'constant';
  readonly type: ElementType;
  readonly tensor: Tensor;
  /** How many values are decoded or computed when it is read. */
  readonly work: number;
  /** Its values are held in memory. */
  readonly held?: true;
}

export type IrValue = Activation | Constant | Square<Activation> | NormStep;
