/** Weights and faces for tests of the engine. */

import { readFileSync } from 'node:fs';
import { convertModel } from '../../src/convert/convert.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import type { Dtype } from '../../src/graph/dtype.ts';
import type { NchwFace } from '../../src/image/face.ts';
import type { SynthModel } from '../../src/synth/model.ts';
import { onnxOfSynth } from '../../src/synth/onnx.ts';
import { joined } from './onnx-files.ts';
import { pixels } from './synth-graph.ts';

export const IR_TINY = '../shared/fixtures/ir-tiny';

type Bytes = Uint8Array<ArrayBuffer>;

/** What `convert` writes for an ONNX file. */
export function weightsOf(onnx: Uint8Array, dtype: Dtype = 'f32'): Bytes {
  const source = { name: 'test.onnx', sha256: '0'.repeat(64) };
  const converted = convertModel(importOnnx(onnx), { source, dtype });
  return joined([converted.header, ...converted.chunks()]) as Bytes;
}

export function synthWeights(model: SynthModel, dtype: Dtype = 'f32'): Bytes {
  return weightsOf(joined(onnxOfSynth(model, 'zoo')), dtype);
}

export function irTinyWeights(): Bytes {
  return weightsOf(readFileSync(`${IR_TINY}/ir-tiny.onnx`));
}

export function npyFloats(path: string): Float32Array<ArrayBuffer> {
  return Float32Array.from(readNpy(readFileSync(path), path).data);
}

/** A picture of noise; equal seeds give equal faces. */
export function noiseFace(seed: number): NchwFace {
  return { data: pixels(seed), layout: 'nchw', channels: 'rgb' };
}

/** Bits, not values: -0 and 0 differ. */
export function bitsOf(values: Float32Array): number[] {
  return [...new Int32Array(values.buffer, values.byteOffset, values.length)];
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    // Math.max keeps NaN, which must not look like equality.
    largest = Math.max(largest, Math.abs((a[i] as number) - (b[i] as number)));
  }
  return largest;
}
