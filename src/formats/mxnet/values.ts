/** What the operators of a symbol are imported into: values that depend on the picture. */

import type { View } from '../axes.ts';
import type { NormStep, Square } from '../norm-steps.ts';

/** A value of the graph, as the file sees it: with a batch of 1. */
export interface Activation extends View {
  readonly kind: 'activation';
  readonly name: string;
}

export type MxnetValue = Activation | Square<Activation> | NormStep;
