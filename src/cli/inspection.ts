/**
 * What `inspect` tells of a model, as plain data: counts, sizes, and every layer with its kernel.
 * Receives the path of a model or of converted weights; of weights only the header is read. Refuses
 * what import, conversion or the reader of weights refuse.
 */

import { placeConstants } from '../compile/place-constants.ts';
import { compile } from '../compile/schedule.ts';
import { basisNotes } from '../convert/preprocessing.ts';
import { DEFAULT_LIMITS, refuseLongWork, type WorkLimits } from '../engine/limits.ts';
import { parseWeightsHeader, type WeightsHeader } from '../formats/safetensors.ts';
import type { Training } from '../formats/training.ts';
import type { ZooCount } from '../graph/count.ts';
import type { Shape } from '../graph/graph.ts';
import type { NetworkOp } from '../graph/network.ts';
import type { Basis, ChannelOrder } from '../graph/preprocessing.ts';
import { usage } from './args.ts';
import {
  type ModelChoice,
  type PreprocessingSummary,
  prepare,
  summariseValues,
} from './conversion.ts';
import { type EvidenceSummary, summariseEvidence } from './evidence.ts';
import { licenceOfFile } from './fetch/licence.ts';
import { naming } from './files.ts';
import { isDirectory, kindOfFile, openModelFiles } from './model-files.ts';
import { readWeightsHeader } from './weights-header.ts';

export interface InspectedLayer {
  readonly name: string;
  readonly op: string;
  /** Of the output: [C, H, W] or [F]. */
  readonly shape: readonly number[];
  readonly macs: number;
  /** Constants of the folded layer: weights, biases, slopes, padding values. */
  readonly parameters: number;
  readonly kernel: string;
  readonly reason: string;
}

interface RoundedCount {
  readonly gflops: number;
  readonly mparams: number;
}

export interface Inspection extends RoundedCount {
  readonly name: string;
  readonly format: 'onnx' | 'mxnet' | 'openvino' | 'weights';
  /** For people: 'ONNX opset 8'. */
  readonly formatDetail: string;
  readonly macs: number;
  readonly convolutions: number;
  /** By both rules of the Open Model Zoo, rounded as published; the fields above are `mxnet`. */
  readonly counts: { readonly mxnet: RoundedCount; readonly onnx: RoundedCount };
  readonly arenaBytes: number;
  readonly arenaLowerBoundBytes: number;
  /** What kernels need besides the arena, for one face on one thread. */
  readonly scratchBytes: number;
  /** Of the constants, as `model.info` states them. */
  readonly weightsBytes: number;
  readonly inputOrder: ChannelOrder;
  /** Null where a weights file does not say. */
  readonly trainedOn: ChannelOrder | null;
  readonly preprocessing: PreprocessingSummary;
  /** Null where a weights file does not say. */
  readonly basis: Basis | null;
  /** Null for a weights file: folding has removed its batch norms. */
  readonly evidence: EvidenceSummary | null;
  readonly outputFeatures: number;
  /** 'none': seeded random numbers. */
  readonly training: Training;
  readonly licence: string;
  readonly contract: string;
  readonly layers: readonly InspectedLayer[];
  readonly notes: readonly string[];
}

/**
 * `choice` is how a model is read; converted weights leave none. A network beyond `limits` is refused: its plan
 * alone could take very long.
 */
export async function inspectPath(
  path: string,
  choice: ModelChoice = {},
  limits: WorkLimits = DEFAULT_LIMITS,
): Promise<Inspection> {
  const header = await naming(path, () => weightsHeaderOf(path));
  if (header) {
    const [given] = Object.entries(choice).find(([, value]) => value !== undefined) ?? [];
    if (given)
      throw usage(
        `--${OPTION_OF[given] ?? given}: expected a model to convert, got converted weights`,
      );
    const { source, dtype } = header.metadata;
    const formatDetail = `weights (${dtype}) converted from ${source}`;
    const notes = header.metadata.basis ? basisNotes(header.metadata.basis) : [];
    const origin = { format: 'weights', formatDetail, notes, evidence: null } as const;
    return naming(path, () => inspectHeader(header, origin, limits));
  }
  const files = await openModelFiles(path);
  const licence = await licenceOfFile(files.sourceSha256);
  return naming(path, () => {
    const [{ format, formatDetail }, { report, header }] = prepare(files, { ...choice, licence });
    const { notes } = report;
    const evidence = summariseEvidence(report.evidence, report);
    const origin = { format, formatDetail, notes, evidence };
    return inspectHeader(parseWeightsHeader(header), origin, limits);
  });
}

/** undefined for anything but converted weights. Reads no more than the header. */
async function weightsHeaderOf(path: string): Promise<WeightsHeader | undefined> {
  if (await isDirectory(path)) return undefined;
  return (await kindOfFile(path)) === 'weights' ? readWeightsHeader(path) : undefined;
}

/** Where an option is called otherwise than its value. */
const OPTION_OF: Readonly<Record<string, string>> = { trainedOn: 'trained-on' };

type Origin = Pick<Inspection, 'format' | 'formatDetail' | 'notes' | 'evidence'>;

function inspectHeader(header: WeightsHeader, origin: Origin, limits: WorkLimits): Inspection {
  const { network, shapes, metadata, dataBytes } = header;
  refuseLongWork(network, shapes, limits);
  const { offsets: constants } = placeConstants(header);
  const plan = compile({ network, shapes, constants, batch: 1, threads: 1 });
  const { macs, convolutions, zoo } = metadata.counts;
  const counts = { mxnet: rounded(zoo.mxnet, 3), onnx: rounded(zoo.onnx, 4) };
  const layers = plan.layers.map((layer, at): InspectedLayer => {
    const op = network.ops[at] as NetworkOp;
    const { name, kernel, reason } = layer;
    const shape = shapes.get(name) as Shape;
    const parameters = parametersOf(op, shapes.get(op.inputs[0] as string) as Shape);
    return { name, op: op.op, shape: [...shape], macs: layer.macs, parameters, kernel, reason };
  });
  return {
    name: network.name,
    ...origin,
    ...counts.mxnet,
    macs,
    convolutions,
    counts,
    arenaBytes: plan.arenaBytes,
    arenaLowerBoundBytes: plan.arenaLowerBoundBytes,
    scratchBytes: plan.scratchBytes,
    weightsBytes: dataBytes,
    inputOrder: metadata.inputOrder,
    trainedOn: metadata.trainedOn ?? null,
    preprocessing: summariseValues(metadata.preprocessing),
    basis: metadata.basis ?? null,
    outputFeatures: plan.outputFeatures,
    training: metadata.training,
    licence: metadata.licence,
    contract: metadata.contract,
    layers,
  };
}

function rounded({ flops, parameters }: ZooCount, digits: number): RoundedCount {
  const round = (value: number): number => Number((value / 1e6).toFixed(digits));
  return { gflops: round(flops / 1e3), mparams: round(parameters) };
}

/** Without the rounding up to whole panels and cache lines that the file's tensors have. */
function parametersOf(op: NetworkOp, input: Shape): number {
  const slopes = (outputs: number): number =>
    'activation' in op && op.activation?.kind === 'prelu' ? outputs : 0;
  switch (op.op) {
    case 'conv': {
      const products = op.kernel[0] * op.kernel[1] * (input[0] / op.group) * op.outChannels;
      const padding = op.padValue ? input[0] : 0;
      return products + op.outChannels + slopes(op.outChannels) + padding;
    }
    case 'fc':
      return (
        (input.reduce((a: number, b) => a * b, 1) + 1) * op.outFeatures + slopes(op.outFeatures)
      );
    case 'affine':
      return 2 * input[0];
    case 'prelu':
      return input[0];
    default:
      return 0;
  }
}
