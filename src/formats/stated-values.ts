/**
 * Mean and deviation as files state them in words: text to numbers, numbers to a claim. Receives what a
 * person or a tool wrote beside a graph; returns undefined, or a claim without numbers, where it is not
 * clear what is meant. Refuses nothing.
 */

import {
  type Claim,
  formulaOf,
  isNothing,
  type Normalization,
  type PerChannel,
  type SourceOfTruth,
  uniform,
} from '../graph/preprocessing.ts';
import { rangeOfConstants } from './value-range.ts';

/** One number or three, with or without brackets, between commas or spaces. */
export function channelsIn(text: string | undefined): PerChannel | undefined {
  const parts = (text ?? '').split(/[\s,;()[\]{}]+/).filter((part) => part !== '');
  const numbers = parts.map(Number);
  if (!numbers.every(Number.isFinite)) return undefined;
  if (numbers.length === 1) return uniform(numbers[0] as number);
  return numbers.length === 3 ? (numbers as unknown as PerChannel) : undefined;
}

/** undefined without any number, and where a deviation is 0. */
export function normalizationOf(
  mean: PerChannel | undefined,
  std: PerChannel | undefined,
): Normalization | undefined {
  if ((!mean && !std) || std?.includes(0)) return undefined;
  return { mean: mean ?? uniform(0), std: std ?? uniform(1) };
}

/**
 * Of words that say what has to be done in front of the graph: numbers of 0..1 count for pixels divided
 * by 255. Where the graph normalises by itself, the words are taken to speak of that.
 */
export function claimOfWords(
  source: SourceOfTruth,
  words: string,
  stated: Normalization,
  graph: Normalization,
): Claim {
  if (!isNothing(graph)) {
    return { source, text: `${words}: taken for what the graph does itself` };
  }
  const range = rangeOfConstants(stated);
  if (range !== 'bytes' && range !== 'unit') {
    return { source, text: `${words}, which tells no range of pixel values` };
  }
  const factor = range === 'unit' ? 255 : 1;
  const times = (values: PerChannel): PerChannel =>
    values.map((value) => Number((value * factor).toPrecision(12))) as unknown as PerChannel;
  const front = { mean: times(stated.mean), std: times(stated.std) };
  const unit = range === 'unit' ? ` of 0..1` : '';
  return { source, text: `${words}, that is ${formulaOf(stated)}${unit}`, front, own: false };
}
