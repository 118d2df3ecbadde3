/** `embed`: faces in, embeddings out, as text, JSON or .npy. */

import type { Model } from '../../engine/model.ts';
import { parseArguments, usage } from '../args.ts';
import type { Command } from '../command.ts';
import { embeddingsToNpy, provenanceOf } from '../embedding-file.ts';
import { naming } from '../files.ts';
import { LOAD_HELP, LOAD_OPTIONS, loadWithProgress } from '../load.ts';
import { planOutput } from '../output.ts';
import { startProgress } from '../progress.ts';
import { landmarksPerFace, readFace } from '../read-face.ts';
import { jsonText, rowName } from '../text.ts';

export const embed: Command = {
  name: 'embed',
  summary: 'faces to embeddings',
  usage: `arcface-wasm embed <weights.safetensors> <face>... [options]

A face is an aligned 112x112 JPEG or PNG, or .npy: uint8 (112, 112, 3) RGB or float32
(1, 3, 112, 112) with raw values 0..255. One line per face: path, tab, the numbers. A path that
could be taken for more than one cell or line stands as a JSON string.

  --json               one JSON document instead
  -o, --output <file>  also write them: .npy is float32 (faces, 512), .json the JSON document,
                       .txt the lines. The first two say which network they are of
  --normalize          vectors of length 1 instead of the network's own output
  --flip               add the embedding of the mirrored face
  --bgr                the files' channels are blue, green, red
  --landmarks <x1,y1,...>  align a larger picture: 5, 68, 98, 106, 468 or 478 points, in its
                       pixels; five are left eye, right eye, nose, left and right mouth corner
                       as seen. Once for each face, in their order; none for an aligned crop
${LOAD_HELP}`,

  async run(args) {
    const { values, positionals } = parseArguments(args, {
      ...LOAD_OPTIONS,
      json: { type: 'boolean' },
      output: { type: 'string', short: 'o' },
      normalize: { type: 'boolean' },
      flip: { type: 'boolean' },
      bgr: { type: 'boolean' },
      landmarks: { type: 'string', multiple: true },
    });
    const [weights, ...paths] = positionals;
    if (weights === undefined || paths.length === 0) {
      throw usage('embed: expected a weights file and at least one face');
    }
    const flags = { ...values, landmarks: landmarksPerFace(values.landmarks, paths) };
    const output =
      values.output === undefined
        ? undefined
        : await planOutput(values.output, {
            option: '--output',
            inputs: positionals,
            endings: ['.npy', '.json', '.txt'],
          });
    const model = await loadWithProgress(weights, values);
    try {
      const embedded = { model, paths, embeddings: await embedAll(model, paths, flags), flags };
      await output?.write(FORMATS[output.ending as keyof typeof FORMATS](embedded));
      const say = output?.say ?? console.log;
      say(values.json ? toJson(embedded) : toText(embedded));
    } finally {
      model.dispose();
    }
  },
};

interface EmbedFlags {
  readonly bgr?: boolean | undefined;
  readonly flip?: boolean | undefined;
  readonly normalize?: boolean | undefined;
  /** One entry per face. */
  readonly landmarks: readonly (readonly number[] | undefined)[];
}

interface Embedded {
  readonly model: Model;
  readonly paths: readonly string[];
  readonly embeddings: readonly Float32Array[];
  readonly flags: EmbedFlags;
}

const FORMATS = {
  '.npy': toNpy,
  '.json': (embedded: Embedded) => `${toJson(embedded)}\n`,
  '.txt': (embedded: Embedded) => `${toText(embedded)}\n`,
} as const;

async function embedAll(
  model: Model,
  paths: readonly string[],
  flags: EmbedFlags,
): Promise<Float32Array[]> {
  const options = { flip: flags.flip ?? false, normalize: flags.normalize ?? false };
  const progress = startProgress('embedding');
  try {
    const embeddings: Float32Array[] = [];
    for (const [i, path] of paths.entries()) {
      const reading = { bgr: flags.bgr, landmarks: flags.landmarks[i] };
      const embedding = async () => model.embed(await readFace(path, reading), options);
      embeddings.push(await naming(path, embedding));
      progress.update(embeddings.length, paths.length, 'items');
    }
    return embeddings;
  } finally {
    progress.end();
  }
}

/** The shortest decimal text that reads back as the same f32. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

function toText({ paths, embeddings }: Embedded): string {
  return embeddings
    .map((embedding, i) => {
      return `${rowName(paths[i] as string)}\t${Array.from(embedding, shortest).join(' ')}`;
    })
    .join('\n');
}

function toJson({ model, paths, embeddings, flags }: Embedded): string {
  return jsonText({
    model: model.info,
    flip: flags.flip ?? false,
    normalize: flags.normalize ?? false,
    faces: embeddings.map((embedding, i) => ({
      file: paths[i],
      norm: Math.hypot(...embedding),
      embedding: Array.from(embedding, shortest),
    })),
  });
}

function toNpy({ model, embeddings, flags }: Embedded): Uint8Array {
  return embeddingsToNpy(embeddings, provenanceOf(model.info, flags.flip ?? false));
}
