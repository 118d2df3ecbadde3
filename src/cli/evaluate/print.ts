/** An evaluation as text for people and as one JSON document for programs. */

import type { ModelInfo } from '../../engine/model.ts';
import { ALIKE } from '../../evaluate/alikeness.ts';
import type { Verification } from '../../evaluate/verification.ts';
import { printable } from '../../printable.ts';
import { jsonText, rowName, UNTRAINED } from '../text.ts';
import type { Evaluation } from './evaluation.ts';

export interface EvaluationContext {
  readonly model: ModelInfo;
  readonly dataset: string;
  readonly flip: boolean;
}

export function evaluationJson(evaluation: Evaluation, context: EvaluationContext): string {
  const {
    verification,
    roc,
    xnorm,
    channelOrder,
    timings,
    evidence,
    interval,
    notes,
    differentCosine,
  } = evaluation;
  const { accuracy, std, val, valReason, valStd, far, farTarget, threshold, folds } = verification;
  return jsonText(
    {
      model: context.model,
      dataset: { name: context.dataset, pictures: 2 * evidence.pairs, ...evidence },
      flip: context.flip,
      accuracy,
      std,
      interval,
      xnorm,
      val,
      valReason,
      valStd,
      far,
      farTarget,
      threshold,
      auc: roc?.auc ?? null,
      eer: roc?.eer ?? null,
      channelOrder,
      differentCosine,
      folds,
      notes: isSeeded(context) ? [UNTRAINED, ...notes] : notes,
      timings: { ...timings, msPerFace: timings.embedMs / timings.embedded },
    },
    2,
  );
}

export function evaluationText(evaluation: Evaluation, context: EvaluationContext): string {
  const { verification: v, roc, xnorm, timings, evidence, interval, notes } = evaluation;
  const people = evidence.people === null ? '' : ` of ${evidence.people} people`;
  const within = `95 % interval ${five(interval.from)} to ${five(interval.to)}`;
  const lines = [
    `${rowName(context.dataset)}: ${v.pairs} pairs, ${evidence.distinctPairs} distinct, of ${evidence.distinctPictures} distinct pictures${people}, ${v.folds.length} folds`,
    ...(isSeeded(context) ? [UNTRAINED] : []),
    `${context.flip ? 'Accuracy-Flip' : 'Accuracy'}: ${five(v.accuracy)}+-${five(v.std)} (${within}, ${evidence.distinctPairs} distinct pairs)`,
    `XNorm: ${five(xnorm)}`,
    `VAL: ${valText(v)}`,
    ...(isSeeded(context) ? [] : [`best threshold: ${thresholdText(v)}`]),
    ...(roc === null ? [] : [`AUC: ${five(roc.auc)}, EER: ${five(roc.eer)}`]),
    `${timings.embedded} runs, ${(timings.embedMs / timings.embedded).toFixed(1)} ms each`,
    ...notes.map((note) => `about the pairs: ${printable(note)}`),
    ...orderLines(evaluation),
    ...alikeLines(evaluation),
  ];
  return lines.join('\n');
}

/** Figures of seeded weights are shown, and mean nothing. */
function isSeeded({ model }: EvaluationContext): boolean {
  return model.training === 'none';
}

function valText({ val, valReason, valStd, far, farTarget }: Verification): string {
  if (val === null) return `not defined: ${valReason}`;
  const measured = far === null ? `FAR ${farTarget} on the other folds` : `FAR ${five(far)}`;
  return `${five(val)}+-${five(valStd ?? 0)} at ${measured}`;
}

/** In the middle of what separates best; the range is said, so that nobody takes the digits for more. */
function thresholdText({ threshold }: Verification): string {
  if (threshold === null) return 'not defined: the pairs are all of one kind';
  const { cosine, distance, range, accuracy } = threshold;
  return (
    `cosine ${cosine.toFixed(3)} (squared distance ${distance.toFixed(2)}; from ${range.from.toFixed(3)} to ` +
    `${range.to.toFixed(3)} all decide ${(100 * accuracy).toFixed(2)} % of these pairs rightly)`
  );
}

/** Trained networks have less than 0.1: y1 0.02, fr_feature 0.04. */
function alikeLines({ differentCosine }: Evaluation): string[] {
  if (differentCosine === null || differentCosine <= ALIKE) return [];
  return [
    `warning: different people all look alike: their mean cosine is ${differentCosine.toFixed(3)}, of a trained ` +
      'network it is below 0.1; either the weights were converted with a mean and deviation that are not those ' +
      'of its training, or it was not trained for faces',
  ];
}

/** Silent when the order is as it should be; the JSON document always has the numbers. */
function orderLines({ channelOrder }: Evaluation): string[] {
  if (channelOrder?.verdict !== 'swapped' || channelOrder.contrast === null) return [];
  const { asGiven, swapped } = channelOrder.contrast;
  return [
    `note: ${channelOrder.reason} (contrast ${asGiven.toFixed(3)} as given, ${swapped.toFixed(3)} exchanged, ${channelOrder.pairs} pairs)`,
  ];
}

const five = (value: number): string => value.toFixed(5);
