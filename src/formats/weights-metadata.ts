/**
 * `__metadata__` of a weights file: what the numbers are, where they come from and what may be done
 * with them. Strings on disk, some of them JSON; typed and checked here. Refuses missing fields,
 * values out of range, and other formats; ignores keys it does not know.
 */

import type { GraphCounts, ZooCount } from '../graph/count.ts';
import { DTYPE_NAMES, type Dtype, isDtype } from '../graph/dtype.ts';
import { describe, expect, isIntegerIn } from '../graph/limits.ts';
import {
  type Basis,
  type ChannelOrder,
  compact,
  type PerChannel,
  type Preprocessing,
  type Reason,
  SOURCES_OF_TRUTH,
  type SourceOfTruth,
  uniform,
} from '../graph/preprocessing.ts';
import { printable } from '../printable.ts';
import { parseJsonStrictly } from './json-keys.ts';
import { type Training, trainingOfWeights } from './training.ts';

export const WEIGHTS_FORMAT = 'arcface-wasm/1';

export interface WeightsMetadata {
  /** The smallest among its weights. */
  readonly dtype: Dtype;
  /** Channel order that the weights take. */
  readonly inputOrder: ChannelOrder;
  /** Channel order that the network was trained on, and that of mean and std; absent in older files. */
  readonly trainedOn?: ChannelOrder | undefined;
  /** (x - mean) / std was folded into the weights. */
  readonly preprocessing: Preprocessing;
  /** How both are known; absent in older files. */
  readonly basis?: Basis | undefined;
  /** Name in the source file of the value that the network's output is. */
  readonly output: string;
  /** File name and SHA-256 (64 hex digits) of the model that was converted. */
  readonly source: string;
  readonly sourceSha256: string;
  /** Of the file that holds the graph, where that is another: symbol or .xml. */
  readonly graphSha256?: string | undefined;
  readonly licence: string;
  /** 'none': seeded random numbers, so embeddings mean nothing. */
  readonly training: Training;
  /** Of the source's graph, before folding. */
  readonly counts: GraphCounts;
  /**
   * Identifies source files, output, channel order, preprocessing and dtype: embeddings compare
   * only under equal contracts.
   * Follows from the fields above.
   */
  readonly contract: string;
}

const CODE = 'bad_weights';
const MAX_TEXT = 4096;
/** Bounds on what a basis says, so that its JSON stays within `MAX_TEXT` whatever a file is called. */
const MAX_CONFLICTS = 5;
const MAX_SENTENCE = 240;

/** The strings of `__metadata__`, without the network, in file order. */
export function encodeMetadata(metadata: Omit<WeightsMetadata, 'contract'>): [string, string][] {
  const { trainedOn, basis } = metadata;
  const { mean, std, own } = metadata.preprocessing;
  const preprocessing = { mean: compact(mean), std: compact(std), own };
  const { macs, convolutions, zoo } = metadata.counts;
  const count = ({ flops, parameters }: ZooCount): ZooCount => ({ flops, parameters });
  const counts = { macs, convolutions, zoo: { mxnet: count(zoo.mxnet), onnx: count(zoo.onnx) } };
  return [
    ['format', WEIGHTS_FORMAT],
    ['dtype', metadata.dtype],
    ['input_order', metadata.inputOrder],
    ...(trainedOn === undefined ? [] : [pair('trained_on', trainedOn)]),
    ['preprocessing', JSON.stringify(preprocessing)],
    ...(basis ? [pair('preprocessing_basis', JSON.stringify(clipped(basis)))] : []),
    ['output', metadata.output],
    ['source', printable(metadata.source)],
    ['source_sha256', metadata.sourceSha256],
    ...(metadata.graphSha256 === undefined ? [] : [pair('graph_sha256', metadata.graphSha256)]),
    ['licence', printable(metadata.licence)],
    ...(metadata.training === 'none' ? [pair('training', 'none')] : []),
    ['counts', JSON.stringify(counts)],
  ];
}

function pair(key: string, value: string): [string, string] {
  return [key, value];
}

/** `entries`: the parsed `__metadata__`; `networkName` is what older files say of their training. */
export function parseMetadata(
  entries: ReadonlyMap<string, unknown>,
  networkName: string,
): WeightsMetadata {
  const format = text(entries, 'format');
  expect(format === WEIGHTS_FORMAT, CODE, 'weights file: format', WEIGHTS_FORMAT, format);
  const dtype = text(entries, 'dtype');
  expect(isDtype(dtype), CODE, 'weights file: dtype', `one of ${DTYPE_NAMES.join(', ')}`, dtype);
  const fields = {
    dtype,
    inputOrder: order(entries, 'input_order'),
    ...(entries.has('trained_on') && { trainedOn: order(entries, 'trained_on') }),
    preprocessing: parsePreprocessing(json(entries, 'preprocessing')),
    ...(entries.has('preprocessing_basis') && {
      basis: parseBasis(json(entries, 'preprocessing_basis')),
    }),
    output: text(entries, 'output'),
    source: text(entries, 'source'),
    sourceSha256: hash(entries, 'source_sha256'),
    ...(entries.has('graph_sha256') && { graphSha256: hash(entries, 'graph_sha256') }),
    licence: text(entries, 'licence'),
    training: trainingOfWeights(
      entries.has('training') ? text(entries, 'training') : undefined,
      networkName,
    ),
    counts: parseCounts(json(entries, 'counts')),
  } as const;
  return { ...fields, contract: contractOf(fields) };
}

function contractOf(metadata: Omit<WeightsMetadata, 'contract'>): string {
  const { sourceSha256, graphSha256, output, inputOrder, trainedOn, dtype } = metadata;
  const { mean, std } = metadata.preprocessing;
  const hashes = [sourceSha256, ...(graphSha256 === undefined ? [] : [graphSha256])];
  const source = hashes.map((digits) => digits.slice(0, 32)).join('+');
  const order = trainedOn === 'bgr' ? `${inputOrder}<bgr` : inputOrder;
  const values = [mean, std].map((channels) => [compact(channels)].flat().join('/')).join(',');
  return [WEIGHTS_FORMAT, source, output, order, values, dtype].join(':');
}

function order(entries: ReadonlyMap<string, unknown>, key: string): ChannelOrder {
  const value = text(entries, key);
  const isOrder = value === 'rgb' || value === 'bgr';
  expect(isOrder, CODE, `weights file: ${key}`, 'rgb or bgr', value);
  return value;
}

function hash(entries: ReadonlyMap<string, unknown>, key: string): string {
  const digits = text(entries, key);
  expect(/^[0-9a-f]{64}$/.test(digits), CODE, `weights file: ${key}`, '64 hex digits', digits);
  return digits;
}

function parsePreprocessing(value: unknown): Preprocessing {
  const { mean, std, own } = record(value, 'preprocessing');
  const [means, deviations] = [perChannel(mean), perChannel(std)];
  const sound = means !== undefined && deviations !== undefined && !deviations.includes(0);
  const where = 'weights file: preprocessing';
  expect(sound, CODE, where, 'finite mean and std, one number or three', [mean, std]);
  expect(typeof own === 'boolean', CODE, `${where}.own`, 'a boolean', own);
  return { mean: means, std: deviations, own };
}

function perChannel(value: unknown): PerChannel | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? uniform(value) : undefined;
  const sound = Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
  return sound ? (value as unknown as PerChannel) : undefined;
}

function parseBasis(value: unknown): Basis {
  const { values, order, conflicts } = record(value, 'preprocessing_basis');
  const where = 'weights file: preprocessing_basis.conflicts';
  const sound = Array.isArray(conflicts) && conflicts.every(isSentence);
  expect(sound, CODE, where, 'a list of sentences', conflicts);
  return { values: parseReason(values), order: parseReason(order), conflicts };
}

function parseReason(value: unknown): Reason {
  const { source, because } = record(value, 'preprocessing_basis');
  const where = 'weights file: preprocessing_basis';
  const keys = SOURCES_OF_TRUTH.map(({ key }) => key);
  const known = keys.includes(source as SourceOfTruth);
  expect(known, CODE, `${where}.source`, keys.join(', '), source);
  expect(isSentence(because), CODE, `${where}.because`, 'a sentence', because);
  return { source: source as SourceOfTruth, because };
}

/** Sentences are printed. */
function isSentence(value: unknown): value is string {
  return typeof value === 'string' && value === printable(value);
}

function clipped({ values, order, conflicts }: Basis): Basis {
  const clip = (sentence: string): string => printable(sentence.slice(0, MAX_SENTENCE));
  const reason = ({ source, because }: Reason): Reason => ({ source, because: clip(because) });
  return {
    values: reason(values),
    order: reason(order),
    conflicts: conflicts.slice(0, MAX_CONFLICTS).map(clip),
  };
}

function parseCounts(value: unknown): GraphCounts {
  const counts = record(value, 'counts');
  const zoo = record(counts.zoo, 'counts.zoo');
  return {
    macs: count(counts, 'macs'),
    convolutions: count(counts, 'convolutions'),
    zoo: { mxnet: parseZoo(zoo.mxnet), onnx: parseZoo(zoo.onnx) },
  };
}

function parseZoo(value: unknown): ZooCount {
  const zoo = record(value, 'counts.zoo');
  return { flops: count(zoo, 'flops'), parameters: count(zoo, 'parameters') };
}

function count(from: Record<string, unknown>, key: string): number {
  const value = from[key];
  const sound = isIntegerIn(value, 0, Number.MAX_SAFE_INTEGER);
  expect(sound, CODE, `weights file: counts.${key}`, 'a count', value);
  return value;
}

function record(value: unknown, key: string): Record<string, unknown> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  expect(isObject, CODE, `weights file: ${key}`, 'a JSON object', value);
  return value as Record<string, unknown>;
}

function json(entries: ReadonlyMap<string, unknown>, key: string): unknown {
  return parseJsonStrictly(text(entries, key), `weights file: ${key}`, CODE);
}

function text(entries: ReadonlyMap<string, unknown>, key: string): string {
  const value = entries.get(key);
  const sound = typeof value === 'string' && value.length <= MAX_TEXT;
  const expected = `a string of at most ${MAX_TEXT} characters`;
  const where = `weights file: __metadata__.${key}`;
  expect(sound, CODE, where, expected, describe(value));
  expect(value === printable(value), CODE, where, 'text without control characters', value);
  return value;
}
