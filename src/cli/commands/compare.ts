/** `compare`: two faces in, their cosine and what the published thresholds say out. */

import { cosineSimilarity } from '../../similarity.ts';
import { parseArguments, usage } from '../args.ts';
import type { Command } from '../command.ts';
import { naming } from '../files.ts';
import { LOAD_OPTIONS, loadWithProgress } from '../load.ts';
import { readFace } from '../read-face.ts';
import { jsonText } from '../text.ts';
import { THRESHOLDS } from '../thresholds.ts';

export const compare: Command = {
  name: 'compare',
  summary: 'how similar two faces are, beside the published thresholds',
  usage: `arcface-wasm compare <weights.safetensors> <face a> <face b> [options]

Prints the cosine of the two embeddings and the published thresholds with their sources.

  --json               one JSON document instead
  --flip               add the embeddings of the mirrored faces
  --bgr                the files' channels are blue, green, red
  --threads <n|auto>   default 1
  --isa <auto|simd|relaxed>`,

  async run(args) {
    const { values, positionals } = parseArguments(args, {
      ...LOAD_OPTIONS,
      json: { type: 'boolean' },
      flip: { type: 'boolean' },
      bgr: { type: 'boolean' },
    });
    const [weights, a, b] = positionals;
    if (weights === undefined || a === undefined || b === undefined || positionals.length > 3) {
      throw usage(
        `compare: expected a weights file and two faces, got ${positionals.length} arguments`,
      );
    }
    const faces = [await readFace(a, values), await readFace(b, values)] as const;
    const model = await loadWithProgress(weights, values);
    try {
      const options = { flip: values.flip ?? false };
      const first = await naming(a, () => model.embed(faces[0], options));
      const second = await naming(b, () => model.embed(faces[1], options));
      const cosine = cosineSimilarity(first, second);
      console.log(values.json ? toJson(a, b, cosine) : toText(cosine));
    } finally {
      model.dispose();
    }
  },
};

function toJson(a: string, b: string, cosine: number): string {
  const thresholds = THRESHOLDS.map((t) => ({ ...t, same: cosine >= t.cosine }));
  return jsonText({ a, b, cosine, thresholds });
}

function toText(cosine: number): string {
  const rows = THRESHOLDS.map((t) => [
    cosine >= t.cosine ? 'same' : 'different',
    t.cosine.toFixed(4),
    t.source,
    t.model,
    t.stated,
  ]);
  const widths = [0, 1, 2, 3].map((k) => Math.max(...rows.map((row) => (row[k] as string).length)));
  const lines = rows.map((row) => row.map((cell, k) => cell.padEnd(widths[k] ?? 0)).join('  '));
  return [
    `cosine ${cosine.toFixed(6)}`,
    '',
    'Published thresholds (cosine at or above: same person):',
    ...lines.map((line) => `  ${line.trimEnd()}`),
    '',
    'A threshold belongs to its network, aligner and population: measure your own with `evaluate`.',
  ].join('\n');
}
