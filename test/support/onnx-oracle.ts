/** Described ONNX graphs in onnxruntime-web, an independent engine, beside the importer and the float64 reference. */

import * as ort from 'onnxruntime-web';
import { expect } from 'vitest';
import type { ExternalFiles } from '../../src/formats/onnx/external.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { mulberry32, uniform } from './graphs.ts';
import { type ModelNode, type ModelParts, type ModelTensor, modelBytes } from './onnx-model.ts';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

export interface OracleOptions {
  readonly external?: ExternalFiles;
  /** The input's shape and its values in that order; default [1, 3, 8, 8], between -1 and 1. */
  readonly dims?: readonly number[];
  readonly input?: Float32Array;
  /** Of the largest value. */
  readonly tolerance?: number;
}

/** Every output of the file, by name, as onnxruntime-web computes it without optimising anything. */
export async function runtimeOutputs(
  bytes: Uint8Array,
  { external, dims = [1, 3, 8, 8], input = noise(dims) }: OracleOptions = {},
): Promise<ReadonlyMap<string, Float32Array>> {
  const session = await ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 3,
    externalData: [...(external ?? [])].map(([path, data]) => ({ path, data })),
  });
  try {
    const name = session.inputNames[0] as string;
    const outputs = await session.run({ [name]: new ort.Tensor('float32', input, [...dims]) });
    return new Map(
      Object.entries(outputs).map(([key, value]) => [key, value.data as Float32Array]),
    );
  } finally {
    await session.release();
  }
}

export function noise(dims: readonly number[], seed = 11): Float32Array {
  const count = dims.reduce((product, n) => product * n, 1);
  return Float32Array.from(uniform(mulberry32(seed), count));
}

/** [1, H, W, C] to [C, H, W]. */
export function planar(
  input: Float32Array,
  [, h = 1, w = 1, c = 1]: readonly number[],
): Float32Array {
  return Float32Array.from(input, (_, i) => {
    const [channel, pixel] = [Math.floor(i / (h * w)), i % (h * w)];
    return input[pixel * c + channel] as number;
  });
}

/** What the importer and the reference make of the file's first output. */
export function importedOutput(bytes: Uint8Array, options: OracleOptions = {}): Float64Array {
  const { dims = [1, 3, 8, 8], input = noise(dims), external } = options;
  const { graph } = importOnnx(bytes, { external });
  const isLast = dims[3] === graph.input.shape[0] && dims[1] === graph.input.shape[1];
  const face = isLast && dims[1] !== graph.input.shape[0] ? planar(input, dims) : input;
  return evaluateGraph(graph, face).get(graph.output) as Float64Array;
}

/** The importer reads the file as onnxruntime-web runs it. */
export async function expectAgreement(
  bytes: Uint8Array,
  options: OracleOptions = {},
): Promise<Float64Array> {
  const got = importedOutput(bytes, options);
  const [expected] = (await runtimeOutputs(bytes, options)).values();
  expectNear(got, expected as Float32Array, options.tolerance);
  return got;
}

export function expectNear(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance = 2e-6,
): void {
  expect(got.length).toBe(expected.length);
  const largest = Array.from(expected).reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((got[i] as number) - (expected[i] as number));
    // NaN is no agreement.
    expect(
      difference <= tolerance * Math.max(largest, 1e-6),
      `value ${i}: ${got[i]} for ${expected[i]}`,
    ).toBe(true);
  }
}

/** `expectAgreement` for nodes and tensors. */
export function agree(
  nodes: readonly ModelNode[],
  tensors: readonly ModelTensor[] = [],
  parts: Partial<ModelParts> = {},
  options: OracleOptions = {},
): Promise<Float64Array> {
  const input = { name: 'x', dims: options.dims ?? [1, 3, 8, 8] };
  return expectAgreement(modelBytes({ nodes, tensors, input, ...parts }), options);
}
