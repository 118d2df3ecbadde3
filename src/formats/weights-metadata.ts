/**
 * `__metadata__` of a weights file: what the numbers are, where they come from and what may be done
 * with them. Strings on disk, some of them JSON; typed and checked here. Refuses missing fields,
 * values out of range, and other formats; ignores keys it does not know.
 */

import type { GraphCounts, ZooCount } from '../graph/count.ts';
import { describe, expect, isIntegerIn } from '../graph/limits.ts';
import { printable } from '../printable.ts';
import { parseJsonStrictly } from './json-keys.ts';

export const WEIGHTS_FORMAT = 'arcface-wasm/1';

export interface WeightsMetadata {
  readonly dtype: 'f32';
  /** Channel order of the network's input. */
  readonly inputOrder: 'rgb' | 'bgr';
  readonly preprocessing: Preprocessing;
  /** Name in the source file of the value that the network's output is. */
  readonly output: string;
  /** File name and SHA-256 (64 hex digits) of the model that was converted. */
  readonly source: string;
  readonly sourceSha256: string;
  /** Of the file that holds the graph, where that is another: symbol or .xml. */
  readonly graphSha256?: string | undefined;
  readonly licence: string;
  /** Of the source's graph, before folding. */
  readonly counts: GraphCounts;
  /**
   * Identifies source files, output, channel order, preprocessing and dtype: embeddings compare
   * only under equal contracts.
   * Follows from the fields above.
   */
  readonly contract: string;
}

export interface Preprocessing {
  /** (x - mean) / std was folded into the weights. */
  readonly mean: number;
  readonly std: number;
  /** The source's graph normalises by itself, after that. */
  readonly own: boolean;
}

const CODE = 'bad_weights';
const MAX_TEXT = 4096;

/** The strings of `__metadata__`, without the network, in file order. */
export function encodeMetadata(metadata: Omit<WeightsMetadata, 'contract'>): [string, string][] {
  const { mean, std, own } = metadata.preprocessing;
  const { macs, convolutions, zoo } = metadata.counts;
  const count = ({ flops, parameters }: ZooCount): ZooCount => ({ flops, parameters });
  const counts = { macs, convolutions, zoo: { mxnet: count(zoo.mxnet), onnx: count(zoo.onnx) } };
  return [
    ['format', WEIGHTS_FORMAT],
    ['dtype', metadata.dtype],
    ['input_order', metadata.inputOrder],
    ['preprocessing', JSON.stringify({ mean, std, own })],
    ['output', metadata.output],
    ['source', printable(metadata.source)],
    ['source_sha256', metadata.sourceSha256],
    ...(metadata.graphSha256 === undefined ? [] : [pair('graph_sha256', metadata.graphSha256)]),
    ['licence', printable(metadata.licence)],
    ['counts', JSON.stringify(counts)],
  ];
}

function pair(key: string, value: string): [string, string] {
  return [key, value];
}

/** `entries`: the parsed `__metadata__`. */
export function parseMetadata(entries: ReadonlyMap<string, unknown>): WeightsMetadata {
  const format = text(entries, 'format');
  expect(format === WEIGHTS_FORMAT, CODE, 'weights file: format', WEIGHTS_FORMAT, format);
  const dtype = text(entries, 'dtype');
  expect(dtype === 'f32', CODE, 'weights file: dtype', 'f32', dtype);
  const inputOrder = text(entries, 'input_order');
  const isOrder = inputOrder === 'rgb' || inputOrder === 'bgr';
  expect(isOrder, CODE, 'weights file: input_order', 'rgb or bgr', inputOrder);
  const fields = {
    dtype,
    inputOrder,
    preprocessing: parsePreprocessing(json(entries, 'preprocessing')),
    output: text(entries, 'output'),
    source: text(entries, 'source'),
    sourceSha256: hash(entries, 'source_sha256'),
    ...(entries.has('graph_sha256') && { graphSha256: hash(entries, 'graph_sha256') }),
    licence: text(entries, 'licence'),
    counts: parseCounts(json(entries, 'counts')),
  } as const;
  return { ...fields, contract: contractOf(fields) };
}

function contractOf(metadata: Omit<WeightsMetadata, 'contract'>): string {
  const { sourceSha256, graphSha256, output, inputOrder, dtype } = metadata;
  const { mean, std } = metadata.preprocessing;
  const hashes = [sourceSha256, ...(graphSha256 === undefined ? [] : [graphSha256])];
  const source = hashes.map((digits) => digits.slice(0, 32)).join('+');
  return [WEIGHTS_FORMAT, source, output, inputOrder, `${mean},${std}`, dtype].join(':');
}

function hash(entries: ReadonlyMap<string, unknown>, key: string): string {
  const digits = text(entries, key);
  expect(/^[0-9a-f]{64}$/.test(digits), CODE, `weights file: ${key}`, '64 hex digits', digits);
  return digits;
}

function parsePreprocessing(value: unknown): Preprocessing {
  const { mean, std, own } = record(value, 'preprocessing');
  const isNumber = Number.isFinite(mean) && Number.isFinite(std) && std !== 0;
  expect(isNumber, CODE, 'weights file: preprocessing', 'finite mean and std', [mean, std]);
  expect(typeof own === 'boolean', CODE, 'weights file: preprocessing.own', 'a boolean', own);
  return { mean: mean as number, std: std as number, own };
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
