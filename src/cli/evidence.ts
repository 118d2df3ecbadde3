/**
 * The evidence of a network itself, for people and for `--json`: what its batch norms say of the
 * preprocessing that was chosen, how sure that is, and which options would follow it. Receives the report of
 * a conversion.
 */

import { hasSameValues } from '../convert/evidence/candidates.ts';
import type { Evidence } from '../convert/evidence/weigh.ts';
import {
  type ChannelOrder,
  compact,
  type Normalization,
  type PerChannel,
} from '../graph/preprocessing.ts';

export interface FitSummary {
  readonly form: string;
  readonly trainedOn: ChannelOrder;
  readonly mean: number | PerChannel;
  readonly std: number | PerChannel;
  readonly divergence: number;
}

export interface EvidenceSummary
  extends Pick<
    Evidence,
    'verdict' | 'reason' | 'confidence' | 'batchNorm' | 'channels' | 'pictures' | 'tellsOrder'
  > {
  /** Of every form, the best first. */
  readonly fits: readonly FitSummary[];
  /** Options that follow the evidence, where it is against what was chosen. */
  readonly options: string | null;
}

/** What was chosen, mean and std in the order `trainedOn`. */
export interface Chosen {
  readonly preprocessing: Normalization;
  readonly trainedOn: ChannelOrder;
}

export function summariseEvidence(evidence: Evidence, chosen: Chosen): EvidenceSummary {
  const { fits, better, ...told } = evidence;
  return {
    ...told,
    fits: fits.map(({ name, order, mean, std, divergence }) => ({
      form: name,
      trainedOn: order,
      mean: compact(mean),
      std: compact(std),
      divergence: Number(divergence.toPrecision(4)),
    })),
    options: better && optionsFor(better, chosen),
  };
}

/** Three different numbers have to be given anew, in the other order, where the order changes. */
function optionsFor(
  better: NonNullable<Evidence['better']>,
  { preprocessing, trainedOn }: Chosen,
): string {
  const list = (values: PerChannel): string => [compact(values)].flat().join(',');
  const sameValues = hasSameValues(better, { ...preprocessing, order: better.order });
  return [
    ...(better.order === trainedOn ? [] : [`--trained-on ${better.order}`]),
    ...(sameValues ? [] : [`--mean ${list(better.mean)} --std ${list(better.std)}`]),
  ].join(' ');
}

/** One line; a warning where the evidence is against what was chosen. */
export function evidenceText({ verdict, reason, confidence, options }: EvidenceSummary): string {
  const sure = confidence === null ? '' : ` (${(confidence * 100).toFixed(1)} % sure)`;
  if (verdict !== 'against') return `evidence: ${verdict}${sure}: ${reason}`;
  return `warning: the network itself is against this${sure}: ${reason}; ${options} would follow it`;
}
