/** An evaluation as text for people and as one JSON document for programs. */

import type { ModelInfo } from '../../engine/model.ts';
import { jsonText, rowName } from '../text.ts';
import type { Evaluation } from './evaluation.ts';

export interface EvaluationContext {
  readonly model: ModelInfo;
  readonly dataset: string;
  readonly flip: boolean;
}

export function evaluationJson(evaluation: Evaluation, context: EvaluationContext): string {
  const { verification, roc, xnorm, channelOrder, timings, distinctPictures } = evaluation;
  const { pairs, accuracy, std, val, valStd, far, farTarget, threshold, folds } = verification;
  return jsonText(
    {
      model: context.model,
      dataset: { name: context.dataset, pairs, pictures: 2 * pairs, distinctPictures },
      flip: context.flip,
      accuracy,
      std,
      xnorm,
      val,
      valStd,
      far,
      farTarget,
      threshold,
      auc: roc?.auc ?? null,
      eer: roc?.eer ?? null,
      channelOrder,
      folds,
      timings: { ...timings, msPerFace: timings.embedMs / timings.embedded },
    },
    2,
  );
}

export function evaluationText(evaluation: Evaluation, context: EvaluationContext): string {
  const { verification: v, roc, xnorm, timings, distinctPictures } = evaluation;
  const { distance, cosine } = v.threshold;
  const val =
    v.val === null
      ? 'not defined: the pairs are all of one kind'
      : `${five(v.val)}+-${five(v.valStd ?? 0)} at FAR ${five(v.far ?? 0)}`;
  const lines = [
    `${rowName(context.dataset)}: ${v.pairs} pairs, ${distinctPictures} distinct pictures, ${v.folds.length} folds`,
    `${context.flip ? 'Accuracy-Flip' : 'Accuracy'}: ${five(v.accuracy)}+-${five(v.std)}`,
    `XNorm: ${five(xnorm)}`,
    `VAL: ${val}`,
    `best threshold: cosine ${cosine.toFixed(3)} (squared distance ${distance.toFixed(2)})`,
    ...(roc === null ? [] : [`AUC: ${five(roc.auc)}, EER: ${five(roc.eer)}`]),
    `${timings.embedded} runs, ${(timings.embedMs / timings.embedded).toFixed(1)} ms each`,
    ...orderLines(evaluation),
  ];
  return lines.join('\n');
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
