/**
 * weights/manifest.json: every published file of the model family, with its size and SHA-256. Receives
 * the JSON text, returns typed entries; refuses a manifest whose fields would let a download be written
 * outside its folder or kept without a hash.
 */

import { readFile } from 'node:fs/promises';
import { ArcfaceError } from '../../errors.ts';

/** 'unverified': stated by a source, never tried. 'ended' and 'dead' no longer answer. */
export type UrlStatus = 'unverified' | 'ended' | 'dead';

export interface Mirror {
  /** Null when no address is known; `note` says why. */
  readonly url: string | null;
  readonly status: UrlStatus;
  readonly note: string;
}

export interface Archive {
  readonly type: 'zip' | 'tar.gz';
  /** Bound on what may be unpacked. */
  readonly maxBytes: number;
  /** `match` is the end of a path in the archive ("a/b.params" ends with "b.params"), or "*.ending". */
  readonly entries: readonly { readonly match: string; readonly as: string }[];
}

export interface Part {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly urls: readonly Mirror[];
  readonly archive?: Archive;
}

export interface PublishedModel {
  readonly name: string;
  readonly summary: string;
  readonly framework: 'mxnet' | 'onnx';
  readonly inputOrder: 'rgb' | 'bgr';
  readonly embedding: number;
  readonly parts: readonly Part[];
  /** The file to convert when all parts are there; null if something is missing (see `notes`). */
  readonly convert: string | null;
  readonly accuracy: readonly {
    readonly dataset: string;
    readonly percent: number;
    readonly source: string;
  }[];
  readonly licence: string;
  readonly source: string;
  readonly notes: string | null;
}

export interface Manifest {
  readonly licences: Readonly<Record<string, { readonly note: string; readonly source: string }>>;
  readonly models: readonly PublishedModel[];
}

const FORMAT = 'arcface-wasm-manifest/1';
/** From dist/cli/fetch and from src/cli/fetch alike. */
const DEFAULT_PATH = new URL('../../../weights/manifest.json', import.meta.url);

export async function readManifest(path: string | URL = DEFAULT_PATH): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new ArcfaceError('io', `manifest: expected a readable file, got none at ${path}`, {
      cause,
    });
  }
  return parseManifest(text, String(path));
}

export function parseManifest(text: string, where = 'manifest'): Manifest {
  const fail = (what: string): ArcfaceError =>
    new ArcfaceError('bad_argument', `${where}: expected ${what}; the manifest is damaged`);
  let root: Partial<Manifest> & { format?: unknown };
  try {
    root = JSON.parse(text);
  } catch (cause) {
    throw new ArcfaceError('bad_argument', `${where}: expected JSON, got other text`, { cause });
  }
  if (root?.format !== FORMAT || !Array.isArray(root.models)) throw fail(`format ${FORMAT}`);
  const { licences = {}, models } = root as Manifest;
  const seen = new Set<string>();
  for (const model of models) {
    const problem = problemOf(model) ?? (licences[model.licence] ? null : 'a known licence');
    if (problem !== null) throw fail(`${problem} in ${model?.name ?? 'a model'}`);
    if (seen.has(model.name)) throw fail(`one model of the name ${model.name}`);
    seen.add(model.name);
  }
  return { licences, models };
}

/** The model called `name`. Throws 'usage' with the names there are. */
export function findModel(manifest: Manifest, name: string): PublishedModel {
  const found = manifest.models.find((model) => model.name === name);
  if (found !== undefined) return found;
  const names = manifest.models.map((model) => model.name).join(', ');
  throw new ArcfaceError('usage', `fetch: expected one of ${names}, got "${name}"`);
}

function problemOf(model: PublishedModel): string | null {
  if (typeof model?.name !== 'string' || !isFileName(model.name)) return 'a plain name';
  if (!Array.isArray(model.parts) || model.parts.length === 0) return 'parts';
  if (model.convert !== null && !isFileName(model.convert)) return 'a plain file name to convert';
  for (const part of model.parts) {
    if (!isFileName(part.file)) return 'a plain file name';
    if (!Number.isSafeInteger(part.bytes) || part.bytes <= 0) return 'a size in bytes';
    if (!/^[0-9a-f]{64}$/.test(part.sha256)) return 'a SHA-256';
    if (!Array.isArray(part.urls)) return 'urls';
    if (part.archive !== undefined && !isArchive(part.archive)) return 'archive entries';
  }
  return null;
}

const isArchive = (archive: Archive): boolean =>
  (archive.type === 'zip' || archive.type === 'tar.gz') &&
  Number.isSafeInteger(archive.maxBytes) &&
  Array.isArray(archive.entries) &&
  archive.entries.every(({ match, as }) => typeof match === 'string' && isFileName(as));

/** One path segment that stays in its folder on every system. */
function isFileName(name: unknown): boolean {
  return typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/.test(name);
}
