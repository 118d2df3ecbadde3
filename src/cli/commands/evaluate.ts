/** `evaluate`: the LFW verification protocol on a weights file. */

import { basename } from 'node:path';
import { type Report, reportHtml, reportSvg } from '../../evaluate/report.ts';
import { numberOption, parseArguments, usage } from '../args.ts';
import type { Command } from '../command.ts';
import { type Dataset, limitPairs, openLfwBin, openPairs } from '../evaluate/dataset.ts';
import { type Evaluation, evaluateModel } from '../evaluate/evaluation.ts';
import { evaluationJson, evaluationText } from '../evaluate/print.ts';
import { LOAD_HELP, LOAD_OPTIONS, loadWithProgress } from '../load.ts';
import { planOutput } from '../output.ts';
import { startProgress } from '../progress.ts';
import { UNTRAINED } from '../text.ts';

const OPTIONS = {
  ...LOAD_OPTIONS,
  pairs: { type: 'string', multiple: true },
  images: { type: 'string' },
  flip: { type: 'boolean' },
  bgr: { type: 'boolean' },
  json: { type: 'boolean' },
  limit: { type: 'string' },
  report: { type: 'string' },
  'check-order': { type: 'boolean' },
  'skip-order-check': { type: 'boolean' },
} as const;

/** Same and different pairs, each: by default, and with --check-order. */
const ORDER_PAIRS = { usual: 96, thorough: 300 };

export const evaluate: Command = {
  name: 'evaluate',
  summary: 'the LFW verification protocol',
  usage: `arcface-wasm evaluate <weights.safetensors> <lfw.bin> [options]
       arcface-wasm evaluate <weights.safetensors> --pairs <list> --images <folder> [options]

Accuracy by cross-validation (10 folds, fewer only for a list of fewer whole LFW sets of 600 pairs;
thresholds 0 to 4 of the squared distance, step 0.01), VAL at FAR 1e-3 and XNorm as InsightFace
computes them. Pictures are aligned 112x112 crops. lfw.bin is a
pickle and read as data; nothing in it is executed.

A list of pairs has one pair per line, its fields separated by tabs, blanks or commas (LFW's pairs.txt, the
pairs.csv, matchpairs and mismatchpairs of LFW on Kaggle; a first line with sets and pairs, or with the
names of columns, is skipped):

  Abel_Pacheco 1 4                       pictures 1 and 4 of one person
  Akhmed_Zakayev 1 Andre_Agassi 3        of two people

The pictures are <folder>/Abel_Pacheco/Abel_Pacheco_0001.jpg or <folder>/Abel_Pacheco_0001.jpg (or .jpeg, .png).

  --pairs <list>       a list; give it twice for lists of one kind of pairs each

  --flip               add the embedding of the mirrored picture, as InsightFace reports it
  --json               one JSON document
  --report <file.html|file.svg>  ROC curve and score histograms as one page
  --limit <n>          n pairs spread evenly over the list
  --bgr                the pictures' channels are blue, green, red
  --check-order        check the channel order on more pairs (${ORDER_PAIRS.thorough} instead of ${ORDER_PAIRS.usual} of each kind)
  --skip-order-check   do not check it
${LOAD_HELP}`,

  async run(args) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const limit = numberOption('limit', values.limit);
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 2)) {
      throw usage(`--limit: expected a whole number from 2, got '${values.limit}'`);
    }
    if (values.report !== undefined) requireReportName(values.report);
    const checked = orderPairs(values['check-order'], values['skip-order-check']);
    const { weights, open } = whatToOpen(positionals, values.pairs, values.images);
    const whole = await open();
    const dataset = limit === undefined ? whole : limitPairs(whole, limit);
    const draw =
      values.report === undefined
        ? undefined
        : await reportWriter(values.report, [weights, ...dataset.files]);
    const model = await loadWithProgress(weights, values);
    try {
      const flip = values.flip ?? false;
      const isSeeded = model.info.training === 'none';
      const measured = await runWithProgress(model, dataset, {
        flip,
        bgr: values.bgr ?? false,
        orderPairs: isSeeded ? 0 : checked,
      });
      const evaluation = isSeeded ? withoutVerdict(measured) : measured;
      const context = { model: model.info, dataset: dataset.name, flip };
      const notes = isSeeded ? [UNTRAINED] : [];
      await draw?.(toReport(basename(weights), context, evaluation, notes));
      console.log((values.json ? evaluationJson : evaluationText)(evaluation, context));
    } finally {
      model.dispose();
    }
  },
};

function whatToOpen(
  positionals: readonly string[],
  pairs: readonly string[] | undefined,
  images: string | undefined,
): { weights: string; open: () => Promise<Dataset> } {
  const [weights, bin, ...more] = positionals;
  if (weights === undefined || more.length > 0) {
    throw usage('evaluate: expected a weights file and an lfw.bin');
  }
  if (bin !== undefined && pairs === undefined && images === undefined) {
    return { weights, open: () => openLfwBin(bin) };
  }
  if (bin === undefined && pairs !== undefined && images !== undefined) {
    return { weights, open: () => openPairs(pairs, images) };
  }
  throw usage('evaluate: expected either an lfw.bin, or both --pairs and --images');
}

/** Looks at the ending before anything is read. */
function requireReportName(path: string): void {
  if (/\.(html?|svg)$/i.test(path)) return;
  throw usage(`--report: expected a name ending in .html or .svg, got '${path}'`);
}

async function reportWriter(
  path: string,
  inputs: readonly string[],
): Promise<(report: Report) => Promise<void>> {
  const endings = ['.html', '.htm', '.svg'] as const;
  const output = await planOutput(path, { option: '--report', inputs, endings: [...endings] });
  return (report) => {
    return output.write(output.ending === '.svg' ? reportSvg(report) : reportHtml(report));
  };
}

function orderPairs(thorough = false, skipped = false): number {
  if (thorough && skipped) throw usage('--check-order and --skip-order-check exclude each other');
  return skipped ? 0 : thorough ? ORDER_PAIRS.thorough : ORDER_PAIRS.usual;
}

async function runWithProgress(
  model: Parameters<typeof evaluateModel>[0],
  dataset: Dataset,
  options: Omit<Parameters<typeof evaluateModel>[2], 'onProgress'>,
): Promise<Evaluation> {
  const lines = new Map<string, ReturnType<typeof startProgress>>();
  const lineFor = (step: string): ReturnType<typeof startProgress> => {
    const line = lines.get(step) ?? startProgress(step);
    lines.set(step, line);
    return line;
  };
  try {
    return await evaluateModel(model, dataset, {
      ...options,
      onProgress: (step, done, total) => lineFor(step).update(done, total, 'items'),
    });
  } finally {
    for (const line of lines.values()) line.end();
  }
}

/** Of seeded weights: nothing is recommended, and nobody is said to look like anybody. */
function withoutVerdict(measured: Evaluation): Evaluation {
  const verification = { ...measured.verification, threshold: null };
  return { ...measured, verification, channelOrder: null, differentCosine: null };
}

function toReport(
  model: string,
  { dataset, flip }: { readonly dataset: string; readonly flip: boolean },
  evaluation: Evaluation,
  notes: readonly string[],
): Report {
  const { channelOrder } = evaluation;
  const order =
    channelOrder?.verdict === 'swapped' ? [`Channel order: ${channelOrder.reason}`] : [];
  return { ...evaluation, model, dataset, flip, notes: [...notes, ...order, ...evaluation.notes] };
}
