/**
 * The LFW protocol on a model and a data set: embeddings, scores, folds, curves, and the check of the
 * channel order. Receives both, returns plain data.
 */

import {
  type ChannelOrderCheck,
  checkChannelOrder,
  sampleForOrder,
} from '../../evaluate/channel-order.ts';
import { type Histogram, type Roc, rocCurve, scoreHistogram } from '../../evaluate/curves.ts';
import {
  addEmbeddings,
  cosineOf,
  meanLength,
  type ScoredPair,
  scorePairs,
} from '../../evaluate/distances.ts';
import {
  countEvidence,
  type Evidence,
  evidenceNotes,
  type Interval,
  wilsonInterval,
} from '../../evaluate/evidence.ts';
import { type Verification, verify } from '../../evaluate/verification.ts';
import type { Dataset } from './dataset.ts';
import { type Embedder, embedPictures, type Timings } from './embed-dataset.ts';

export interface EvaluationOptions {
  /** Add the mirrored picture's embedding before the comparison. */
  readonly flip: boolean;
  readonly bgr: boolean;
  /** Same and different pairs, each, for the check of the channel order; 0 leaves it out. */
  readonly orderPairs: number;
  readonly onProgress?: (step: string, done: number, total: number) => void;
}

export interface Evaluation {
  readonly verification: Verification;
  readonly roc: Roc | null;
  readonly histogram: Histogram;
  readonly xnorm: number;
  readonly channelOrder: ChannelOrderCheck | null;
  readonly evidence: Evidence;
  /** Where the true accuracy lies. */
  readonly interval: Interval;
  /** Sentences for people about the list, and about how much the accuracy rests on. */
  readonly notes: readonly string[];
  /** Mean cosine of the pairs of different people; null if there is none. */
  readonly differentCosine: number | null;
  readonly timings: Readonly<Timings>;
}

export async function evaluateModel(
  model: Embedder,
  dataset: Dataset,
  options: EvaluationOptions,
): Promise<Evaluation> {
  const { flip, bgr } = options;
  const timings: Timings = { decodeMs: 0, embedMs: 0, embedded: 0 };
  const views = [false, true].slice(0, flip ? 2 : 1).map((mirrored) => ({ bgr, mirrored }));
  const [plain = [], mirrored] = await embedPictures(
    model,
    dataset,
    [...dataset.keys.keys()],
    views,
    timings,
    (done, total) => options.onProgress?.('embedding', done, total),
  );
  const passes = mirrored ? [...plain, ...mirrored] : plain;
  const compared = mirrored
    ? plain.map((embedding, i) => addEmbeddings(embedding, mirrored[i] as Float32Array))
    : plain;
  const pairs = scorePairs(compared, dataset.same);
  const plainPairs = mirrored ? scorePairs(plain, dataset.same) : pairs;
  const verification = verify(pairs);
  const evidence = countEvidence(dataset.keys, dataset.people);
  const interval = wilsonInterval(verification.accuracy, evidence.distinctPairs);
  return {
    verification,
    roc: rocCurve(pairs),
    histogram: scoreHistogram(pairs),
    xnorm: meanLength(passes),
    channelOrder: await checkOrder(model, dataset, plainPairs, options, timings),
    evidence,
    interval,
    notes: [
      ...dataset.notes,
      ...(verification.isDealt ? [DEALT] : []),
      ...evidenceNotes(evidence, verification.accuracy, interval),
    ],
    differentCosine: meanOfDifferent(plainPairs),
    timings,
  };
}

const DEALT =
  'in the order of the list a fold would have one kind of pairs alone; they were dealt out, so that each has both';

function meanOfDifferent(pairs: readonly ScoredPair[]): number | null {
  const cosines = pairs.filter(({ same }) => !same).map(({ distance }) => cosineOf(distance));
  if (cosines.length === 0) return null;
  return cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
}

async function checkOrder(
  model: Embedder,
  dataset: Dataset,
  asGiven: readonly ScoredPair[],
  { bgr, orderPairs, onProgress }: EvaluationOptions,
  timings: Timings,
): Promise<ChannelOrderCheck | null> {
  if (orderPairs === 0) return null;
  const sample = sampleForOrder(dataset.same, orderPairs);
  const kinds = new Set(sample.map((pair) => dataset.same[pair]));
  // Without both kinds there is no contrast to compare: the check only says so.
  const [swapped = []] =
    kinds.size < 2
      ? []
      : await embedPictures(
          model,
          dataset,
          sample.flatMap((pair) => [2 * pair, 2 * pair + 1]),
          [{ bgr: !bgr, mirrored: false }],
          timings,
          (done, total) => onProgress?.('checking the channel order', done, total),
        );
  const scored =
    swapped.length === 0
      ? []
      : scorePairs(
          swapped,
          sample.map((p) => dataset.same[p] as boolean),
        );
  return checkChannelOrder(
    sample.map((pair, i) => {
      const given = asGiven[pair] as ScoredPair;
      const cosine = cosineOf(given.distance);
      return {
        same: given.same,
        asGiven: cosine,
        swapped: cosineOf(scored[i]?.distance ?? given.distance),
      };
    }),
  );
}
