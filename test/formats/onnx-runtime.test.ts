/** The default files of `synth` against an independent engine: onnxruntime-web on the same bytes. */

import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { onnxOfSynth } from '../../src/synth/onnx.ts';
import { joined } from '../support/onnx-files.ts';
import { isOwn } from '../support/preprocessing.ts';
import { pixels, tinyModel } from '../support/synth-graph.ts';

function unit(values: ArrayLike<number>): number[] {
  const norm = Math.hypot(...Array.from(values));
  return Array.from(values, (value) => value / norm);
}

describe('a seeded network in onnxruntime-web', () => {
  beforeAll(() => {
    ort.env.wasm.numThreads = 1;
  });

  it.each(['zoo', 'torch', 'folded'] as const)(
    'gives in %s style what the importer and the float64 reference give',
    async (style) => {
      const bytes = joined(onnxOfSynth(tinyModel(21), style));
      const imported = importOnnx(bytes);
      const { graph } = imported;
      const own = isOwn(imported);
      const face = pixels(8).map((v) => (own ? v : (v - 127.5) / 127.5));
      const session = await ort.InferenceSession.create(bytes);
      const input = new ort.Tensor('float32', face, [1, 3, 112, 112]);
      const outputs = await session.run({ [graph.input.name]: input });
      const got = unit(outputs[graph.output]?.data as Float32Array);
      const expected = unit(evaluateGraph(graph, face).get(graph.output) ?? []);
      expect(got).toHaveLength(16);
      for (let i = 0; i < 16; i++) {
        expect(Math.abs((got[i] as number) - (expected[i] as number))).toBeLessThan(2e-6);
      }
      await session.release();
    },
  );
});
