/**
 * From a published model to a weights file, with progress: what `convert` and `fetch` share. Receives
 * paths and options, returns what was done as plain data. The file is written tensor by tensor beside its
 * place and then renamed; what was there stays until the new one is complete. Refuses to write over the
 * model itself.
 */

import { type Converted, type ConvertReport, convertModel } from '../convert/convert.ts';
import type { FaceStatistics } from '../convert/evidence/face-statistics.ts';
import type { Imported } from '../formats/imported.ts';
import type { Training } from '../formats/training.ts';
import { DTYPE_NAMES, type Dtype, isDtype } from '../graph/dtype.ts';
import { dtypeOf } from '../graph/network.ts';
import {
  type Basis,
  type ChannelOrder,
  type Claim,
  certaintyOf,
  compact,
  formulaOf,
  type Normalization,
  nameOfSource,
  type PerChannel,
  type Preprocessing,
  type Reason,
  uniform,
} from '../graph/preprocessing.ts';
import { channelsOption, choiceOption, usage } from './args.ts';
import { type EvidenceSummary, evidenceText, summariseEvidence } from './evidence.ts';
import { licenceOfFile } from './fetch/licence.ts';
import { naming } from './files.ts';
import { type ModelFiles, openModelFiles } from './model-files.ts';
import { type Output, planOutput } from './output.ts';
import { startProgress } from './progress.ts';
import { rowName, UNTRAINED } from './text.ts';

export const PREPROCESSING_OPTIONS = {
  mean: { type: 'string' },
  std: { type: 'string' },
  'trained-on': { type: 'string' },
  input: { type: 'string' },
} as const;

/** How a model is to be read; `inspect` takes them too. */
export const MODEL_OPTIONS = { ...PREPROCESSING_OPTIONS, value: { type: 'string' } } as const;

export interface ModelChoice {
  readonly mean?: PerChannel | undefined;
  readonly std?: PerChannel | undefined;
  /** Channel order that the network was trained on, and that of mean and std. */
  readonly trainedOn?: ChannelOrder | undefined;
  /** Channel order the weights shall take. */
  readonly input?: ChannelOrder | undefined;
  /** Which value of the graph is the embedding. */
  readonly value?: string | undefined;
}

export function modelChoice(
  values: {
    readonly [K in keyof typeof MODEL_OPTIONS]?: string | undefined;
  },
): ModelChoice {
  const std = channelsOption('std', values.std);
  if (std?.includes(0)) throw usage(`--std: expected a number other than 0, got '${values.std}'`);
  return {
    mean: channelsOption('mean', values.mean),
    std,
    trainedOn: choiceOption('trained-on', values['trained-on'], ['rgb', 'bgr']),
    input: choiceOption('input', values.input, ['rgb', 'bgr']),
    value: values.value,
  };
}

/** `int8`, which is integer arithmetic, is known by name and not built. */
export function dtypeOption(dtype: string | undefined): Dtype {
  const known = choiceOption('dtype', dtype, [...DTYPE_NAMES, 'int8']) ?? 'f32';
  if (isDtype(known)) return known;
  throw usage(
    `--dtype: expected ${DTYPE_NAMES.join(', ')}, got '${known}'; take q8 for weights of 8 bits`,
  );
}

export interface Conversion extends ModelChoice {
  /** What faces are like, for the evidence of the network; LFW's if absent. */
  readonly faces?: FaceStatistics | undefined;
  /** What is known of the model beside its file. */
  readonly claims?: readonly Claim[] | undefined;
  /** Where the weights go. */
  readonly output: string;
  /** How weights are stored; f32 if absent. */
  readonly dtype?: Dtype | undefined;
  /** What is known of the terms of use; by default what the list of published files says of the model. */
  readonly licence?: string | undefined;
}

/** One number each where the three channels have the same, as in the weights file. */
export interface PreprocessingSummary {
  readonly mean: number | PerChannel;
  readonly std: number | PerChannel;
  readonly own: boolean;
}

export interface ConversionSummary {
  readonly file: string;
  readonly bytes: number;
  readonly model: string;
  readonly source: string;
  readonly dtype: Dtype;
  readonly inputOrder: ChannelOrder;
  readonly trainedOn: ChannelOrder;
  readonly preprocessing: PreprocessingSummary;
  readonly basis: Basis;
  readonly evidence: EvidenceSummary;
  readonly gflops: number;
  readonly mparams: number;
  readonly macs: number;
  readonly convolutions: number;
  readonly folded: Record<string, number>;
  readonly kept: ConvertReport['folded']['kept'];
  readonly cleaned: number;
  readonly notes: readonly string[];
  readonly licence: string;
  readonly training: Training;
}

export interface WrittenModel {
  readonly summary: ConversionSummary;
  /** Prints what was done. */
  readonly say: Output['say'];
}

export async function convertFile(path: string, choice: Conversion): Promise<WrittenModel> {
  const files = await openModelFiles(path);
  const output = await planOutput(choice.output, {
    option: '--output',
    inputs: files.paths,
    endings: ['.safetensors'],
  });
  const licence = choice.licence ?? (await licenceOfFile(files.sourceSha256));
  return naming(path, async () => {
    const [imported, converted] = prepare(files, { ...choice, licence });
    await write(output, converted);
    return { summary: summarise(choice.output, imported, converted), say: output.say };
  });
}

/** All but the data, which is made while it is written. */
export function prepare(
  files: ModelFiles,
  choice: Omit<Conversion, 'output'>,
): [Imported, Converted] {
  const imported = files.import({ output: choice.value });
  const { sourceName: name, sourceSha256: sha256, graphSha256 } = files;
  const source = { name, sha256, graphSha256 };
  return [imported, convertModel(imported, { ...choice, source })];
}

async function write(output: Output, converted: Converted): Promise<void> {
  const progress = startProgress('converting');
  let bytes = 0;
  function* pieces(): Generator<Uint8Array> {
    yield converted.header;
    bytes += converted.header.length;
    for (const chunk of converted.chunks()) {
      yield chunk;
      bytes += chunk.length;
      progress.update(bytes, converted.byteLength);
    }
  }
  try {
    await output.write(pieces());
  } finally {
    progress.end();
  }
}

function summarise(file: string, imported: Imported, converted: Converted): ConversionSummary {
  const { counts, folded, inputOrder, trainedOn, basis, cleaned, notes, licence, training } =
    converted.report;
  const { affinesBehind, affinesInFront, affinesMerged, activations, residuals } = folded;
  return {
    file,
    bytes: converted.byteLength,
    model: converted.network.name,
    source: imported.formatDetail,
    dtype: dtypeOf(converted.network),
    inputOrder,
    trainedOn,
    preprocessing: summariseValues(converted.report.preprocessing),
    basis,
    evidence: summariseEvidence(converted.report.evidence, converted.report),
    gflops: counts.zoo.mxnet.flops / 1e9,
    mparams: counts.zoo.mxnet.parameters / 1e6,
    macs: counts.macs,
    convolutions: counts.convolutions,
    folded: { affinesBehind, affinesInFront, affinesMerged, activations, residuals },
    kept: folded.kept,
    cleaned: [...cleaned.values()].reduce((sum, count) => sum + count, 0),
    notes,
    licence,
    training,
  };
}

/** One line: what is done to pixels, in which order, and how either is known. */
export function preprocessingText({
  preprocessing,
  trainedOn,
  basis,
}: {
  readonly preprocessing: PreprocessingSummary;
  readonly trainedOn: ChannelOrder | null;
  readonly basis: Basis | null;
}): string {
  const [mean, std] = [preprocessing.mean, preprocessing.std].map(perChannel);
  const formula = formulaOf({ mean, std } as Normalization);
  const front = formula === 'x' ? 'nothing' : formula;
  const own = preprocessing.own ? ', then what the graph does itself' : '';
  const how = (reason: Reason | undefined): string =>
    reason ? `${certaintyOf(reason.source)} by ${nameOfSource(reason.source)}` : 'not recorded';
  const order = trainedOn === null ? 'an order not recorded' : trainedOn.toUpperCase();
  const orderHow = trainedOn === null ? '' : ` (${how(basis?.order)})`;
  return `preprocessing: ${front}${own} (${how(basis?.values)}); trained on ${order}${orderHow}`;
}

function perChannel(values: number | PerChannel): PerChannel {
  return typeof values === 'number' ? uniform(values) : values;
}

export function summariseValues({ mean, std, own }: Preprocessing): PreprocessingSummary {
  return { mean: compact(mean), std: compact(std), own };
}

export function conversionText(summary: ConversionSummary): string {
  const { folded } = summary;
  const affines = Object.values(folded)
    .slice(0, 3)
    .reduce((sum, count) => sum + count, 0);
  const lines = [
    `${rowName(summary.file)}: ${summary.model} from ${summary.source}, ${(summary.bytes / 1e6).toFixed(1)} MB`,
    `${summary.gflops.toFixed(3)} GFLOPs, ${summary.mparams.toFixed(3)} MParams, ` +
      `${summary.macs.toLocaleString('en-US')} MACs, ${summary.convolutions} convolutions`,
    `takes ${summary.inputOrder.toUpperCase()} 0..255`,
    preprocessingText(summary),
    evidenceText(summary.evidence),
    `folded ${affines} scale-and-shift layers, ${folded.activations} activations, ` +
      `${folded.residuals} additions`,
    ...summary.kept.map(({ name, reason }) => `kept ${name}: ${reason}`),
    ...(summary.cleaned > 0 ? [`set ${summary.cleaned} values below 1e-30 to 0`] : []),
    ...summary.notes.map((note) => `note: ${note}`),
    `licence: ${summary.licence}`,
    ...(summary.training === 'none' ? [UNTRAINED] : []),
  ];
  return lines.join('\n');
}
