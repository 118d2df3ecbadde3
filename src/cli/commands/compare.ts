/** `compare`: two faces or embeddings in, their cosine and what the published thresholds say out. */

import type { Model } from '../../engine/model.ts';
import { cosineSimilarity } from '../../similarity.ts';
import { parseArguments, usage } from '../args.ts';
import type { Command } from '../command.ts';
import {
  provenanceOf,
  readEmbedding,
  requireComparable,
  type StoredEmbedding,
} from '../embedding-file.ts';
import { MAX_PICTURE_BYTES, naming, readBytes } from '../files.ts';
import { LOAD_HELP, LOAD_OPTIONS, loadWithProgress } from '../load.ts';
import { faceOf, landmarksPerFace, type ReadFaceOptions } from '../read-face.ts';
import { jsonText, UNTRAINED } from '../text.ts';
import { THRESHOLDS } from '../thresholds.ts';

export const compare: Command = {
  name: 'compare',
  summary: 'how similar two faces are, beside the published thresholds',
  usage: `arcface-wasm compare <weights.safetensors> <face a> <face b> [options]
       arcface-wasm compare <embedding a> <embedding b> [--json]

Prints the cosine of the two embeddings and the published thresholds with their sources. A face is an
aligned 112x112 JPEG or PNG, .npy as embed takes it, or with --landmarks any picture. An embedding is
a file of one face that \`embed -o\` wrote (.npy or .json); it may stand for either face. Embeddings of
two networks are refused. Of seeded weights no threshold is compared.

  --json               one JSON document instead
  --landmarks <x1,y1,...>  align the picture, as embed does; once for each face, in their order,
                       none for one that is aligned
  --flip               add the embeddings of the mirrored faces
  --bgr                the files' channels are blue, green, red
${LOAD_HELP}`,

  async run(args) {
    const { values, positionals } = parseArguments(args, {
      ...LOAD_OPTIONS,
      json: { type: 'boolean' },
      landmarks: { type: 'string', multiple: true },
      flip: { type: 'boolean' },
      bgr: { type: 'boolean' },
    });
    const { weights, names } = operands(positionals);
    const landmarks = landmarksPerFace(values.landmarks, names);
    const flags = { bgr: values.bgr, flip: values.flip ?? false };
    const sides = await Promise.all(
      names.map((name, i) => readSide(name, { ...flags, landmarks: landmarks[i] })),
    );
    const isLacking = weights === undefined && sides.some((side) => !('values' in side));
    if (isLacking) throw usage(EXPECTED(positionals.length));
    const model = weights === undefined ? undefined : await loadWithProgress(weights, values);
    try {
      const [a, b] = await embedBoth(sides, model, flags.flip);
      const notes = requireComparable(a, b, names);
      const cosine = cosineSimilarity(a.values, b.values);
      const isSeeded = a.training === 'none' || b.training === 'none';
      const result = { a: names[0], b: names[1], cosine, isSeeded, notes };
      console.log(values.json ? toJson(result) : toText(result));
    } finally {
      model?.dispose();
    }
  },
};

const EXPECTED = (count: number): string =>
  `compare: expected a weights file and two faces, got ${count} arguments; ` +
  'without weights, two embeddings that `embed -o` wrote';

function operands(positionals: readonly string[]): {
  weights: string | undefined;
  names: readonly [string, string];
} {
  const [first, second, third] = positionals;
  const isCount = positionals.length === 2 || positionals.length === 3;
  if (first === undefined || second === undefined || !isCount) {
    throw usage(EXPECTED(positionals.length));
  }
  if (third !== undefined) return { weights: first, names: [second, third] };
  const areEmbeddings = [first, second].every((name) => /\.(npy|json)$/i.test(name));
  if (!areEmbeddings) throw usage(EXPECTED(2));
  return { weights: undefined, names: [first, second] };
}

/** An embedding, or a face that is still to be run. */
type Side =
  | StoredEmbedding
  | { readonly path: string; readonly face: Awaited<ReturnType<typeof faceOf>> };

async function readSide(path: string, options: ReadFaceOptions): Promise<Side> {
  const bytes = await readBytes(path, MAX_PICTURE_BYTES);
  const embedding = readEmbedding(bytes, path);
  if (embedding === undefined) return { path, face: await faceOf(bytes, path, options) };
  if (options.landmarks === undefined) return embedding;
  throw usage(`--landmarks: expected none for ${path}, which holds an embedding`);
}

async function embedBoth(
  sides: readonly Side[],
  model: Model | undefined,
  flip: boolean,
): Promise<[StoredEmbedding, StoredEmbedding]> {
  const embeddings: StoredEmbedding[] = [];
  for (const side of sides) {
    if ('values' in side) embeddings.push(side);
    else if (model !== undefined) {
      const values = await naming(side.path, () => model.embed(side.face, { flip }));
      embeddings.push({ values, ...provenanceOf(model.info, flip) });
    }
  }
  return embeddings as [StoredEmbedding, StoredEmbedding];
}

interface Comparison {
  readonly a: string;
  readonly b: string;
  readonly cosine: number;
  /** Numbers of seeded weights give no verdict. */
  readonly isSeeded: boolean;
  readonly notes: readonly string[];
}

function toJson({ a, b, cosine, isSeeded, notes }: Comparison): string {
  const thresholds = isSeeded ? [] : THRESHOLDS.map((t) => ({ ...t, same: cosine >= t.cosine }));
  const training = isSeeded ? 'none' : 'unknown';
  return jsonText({
    a,
    b,
    cosine,
    training,
    thresholds,
    notes: [...notes, ...(isSeeded ? [UNTRAINED] : [])],
  });
}

function toText({ cosine, isSeeded, notes }: Comparison): string {
  const verdict = isSeeded ? [`${UNTRAINED} No threshold is compared.`] : thresholdLines(cosine);
  return [
    `cosine ${cosine.toFixed(6)}`,
    ...notes.map((note) => `note: ${note}`),
    '',
    ...verdict,
  ].join('\n');
}

function thresholdLines(cosine: number): string[] {
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
    'Published thresholds (cosine at or above: same person):',
    ...lines.map((line) => `  ${line.trimEnd()}`),
    '',
    'A threshold belongs to its network, aligner and population: measure your own with `evaluate`.',
  ];
}
