/**
 * Embeddings as files: what `embed -o` writes, and `compare` reads again. Each says which contract its
 * numbers belong to: JSON in `model.contract`, .npy in a comment of its header, which NumPy passes over.
 * Refuses files with more embeddings than one, and vectors whose contracts differ.
 */

import type { ModelInfo } from '../engine/model.ts';
import { ArcfaceError } from '../errors.ts';
import { isNpy, readNpy, writeNpy } from '../formats/npy.ts';
import { jsonText, rowName } from './text.ts';

/** What is stated about numbers beside them; undefined where a file does not say. */
export interface Provenance {
  /** Vectors compare only under the same. */
  readonly contract: string | undefined;
  /** The mirrored face was added. */
  readonly flip: boolean | undefined;
  readonly training: ModelInfo['training'];
}

export interface StoredEmbedding extends Provenance {
  readonly values: Float32Array;
}

export function provenanceOf(info: ModelInfo, flip: boolean): Provenance {
  return { contract: info.contract, flip, training: info.training };
}

const MARK = 'arcface-wasm ';

/** Rows of equal length as float32 (faces, numbers). */
export function embeddingsToNpy(
  embeddings: readonly Float32Array[],
  { contract, flip, training }: Provenance,
): Uint8Array {
  const features = embeddings[0]?.length ?? 0;
  const rows = new Float32Array(embeddings.length * features);
  for (const [i, embedding] of embeddings.entries()) rows.set(embedding, i * features);
  const comment = asciiJson({ contract, flip, training });
  return writeNpy(rows, [embeddings.length, features], `${MARK}${comment}`);
}

/** A name of a source's value may hold any letters; an .npy header is Latin-1. */
function asciiJson(value: unknown): string {
  const escaped = (unit: string): string =>
    `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return jsonText(value).replace(/[^\x20-\x7e]/g, escaped);
}

/** undefined for a file that is something else, such as a face. */
export function readEmbedding(bytes: Uint8Array, path: string): StoredEmbedding | undefined {
  if (isNpy(bytes)) return ofNpy(bytes, path);
  return bytes[0] === 0x7b ? ofJson(bytes, path) : undefined;
}

/** [F] or [1, F]; a face has three or four dimensions. */
function ofNpy(bytes: Uint8Array, path: string): StoredEmbedding | undefined {
  const { dtype, shape, data, comment } = readNpy(bytes, path);
  if (shape.length > 2) return undefined;
  const rows = shape.length === 2 ? (shape[0] as number) : 1;
  if (dtype !== 'float32' || data.length === 0) {
    throw bad(path, `expected float32 (1, F), an embedding, got ${dtype} (${shape.join(', ')})`);
  }
  requireOne(rows, path);
  return { values: data as Float32Array, ...statedBy(comment) };
}

function statedBy(comment: string | undefined): Provenance {
  if (!comment?.startsWith(MARK)) return provenance({});
  try {
    return provenance(JSON.parse(comment.slice(MARK.length)));
  } catch {
    return provenance({});
  }
}

function ofJson(bytes: Uint8Array, path: string): StoredEmbedding {
  let root: unknown;
  try {
    root = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw bad(path, 'expected the JSON that `embed -o` writes, got text that is no JSON', cause);
  }
  const { model, flip, faces } = fields(root);
  if (!Array.isArray(faces)) {
    throw bad(path, 'expected the JSON that `embed -o` writes, got a document without faces');
  }
  requireOne(faces.length, path);
  const { embedding } = fields(faces[0]);
  const isVector =
    Array.isArray(embedding) && embedding.length > 0 && embedding.every(Number.isFinite);
  if (!isVector) throw bad(path, 'expected an embedding of finite numbers, got none');
  const { contract, training } = fields(model);
  return { values: Float32Array.from(embedding), ...provenance({ contract, flip, training }) };
}

function provenance(stated: unknown): Provenance {
  const { contract, flip, training } = fields(stated);
  return {
    contract: typeof contract === 'string' ? contract : undefined,
    flip: typeof flip === 'boolean' ? flip : undefined,
    training: training === 'none' ? 'none' : 'unknown',
  };
}

function fields(value: unknown): Record<string, unknown> {
  const isObject = typeof value === 'object' && value !== null;
  return isObject ? (value as Record<string, unknown>) : {};
}

function requireOne(count: number, path: string): void {
  if (count === 1) return;
  throw bad(path, `expected one embedding, got ${count}; embed each face into a file of its own`);
}

/** Throws 'bad_argument' if the two cannot be compared; returns what to say about a comparison of them. */
export function requireComparable(
  a: Provenance,
  b: Provenance,
  names: readonly string[],
): string[] {
  if (a.contract !== undefined && b.contract !== undefined && a.contract !== b.contract) {
    throw new ArcfaceError(
      'bad_argument',
      `${names.join(' and ')}: expected embeddings of one contract, got ${a.contract} and ` +
        `${b.contract}; vectors of two networks, or of one converted in two ways, cannot be compared`,
    );
  }
  const silent = names.filter((_, i) => [a, b][i]?.contract === undefined);
  const isMixed = a.flip !== undefined && b.flip !== undefined && a.flip !== b.flip;
  return [
    ...silent.map((name) => `${rowName(name)} does not say which network it is of.`),
    ...(isMixed
      ? ['One of them has the embedding of the mirrored face added, the other has not.']
      : []),
  ];
}

function bad(path: string, message: string, cause?: unknown): ArcfaceError {
  return new ArcfaceError('bad_picture', `${path}: ${message}`, { cause });
}
