/**
 * weights/manifest.json: every published file of the model family, with its size, its SHA-256 and what its
 * authors allow. Receives the JSON text, returns typed entries; every field is checked (manifest-fields.ts),
 * so that a list of the user's own can neither write outside its folder, nor keep a file without a hash, nor
 * print what a terminal would obey.
 */

import { fileURLToPath } from 'node:url';
import { ArcfaceError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { usage } from '../args.ts';
import { readBytes } from '../files.ts';
import { readFields } from './manifest-fields.ts';

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
  /** Who states size and SHA-256, where that is not who publishes the file. */
  readonly unverified?: string;
  readonly urls: readonly Mirror[];
  readonly archive?: Archive;
}

export interface PublishedModel {
  readonly name: string;
  readonly summary: string;
  readonly framework: 'mxnet' | 'onnx';
  /** Null if the entry does not say. */
  readonly inputOrder: 'rgb' | 'bgr' | null;
  /** (x - mean) / std, which its publishers leave to the caller; null if the entry does not say. */
  readonly preprocessing: { readonly mean: number; readonly std: number } | null;
  /** Numbers in an embedding; null if the entry does not say. */
  readonly embedding: number | null;
  readonly parts: readonly Part[];
  /** The file to convert when all parts are there; null if something is missing (see `notes`). */
  readonly convert: string | null;
  readonly accuracy: readonly {
    readonly dataset: string;
    readonly percent: number;
    readonly source: string;
  }[];
  /** Key of `Manifest.licences`. */
  readonly licence: string;
  readonly source: string;
  readonly notes: string | null;
}

export interface Licence {
  /** What the authors say, and nothing besides. */
  readonly note: string;
  readonly source: string;
  /** Do those who made the file allow commercial use? Null where that is not stated, or contradicted. */
  readonly commercialUse: boolean | null;
}

export interface Manifest {
  readonly licences: Readonly<Record<string, Licence>>;
  readonly models: readonly PublishedModel[];
}

const FORMAT = 'arcface-wasm-manifest/1';
/** From dist/cli/fetch and from src/cli/fetch alike. */
const DEFAULT_PATH = fileURLToPath(new URL('../../../weights/manifest.json', import.meta.url));
const MAX_BYTES = 4 << 20;

export async function readManifest(path: string = DEFAULT_PATH): Promise<Manifest> {
  return parseManifest(new TextDecoder().decode(await readBytes(path, MAX_BYTES)), path);
}

export function parseManifest(text: string, where = 'manifest'): Manifest {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (cause) {
    throw new ArcfaceError('bad_argument', `${where}: expected JSON, got other text`, { cause });
  }
  const { problem, manifest } = readFields(root, FORMAT);
  if (problem === undefined) return manifest;
  throw new ArcfaceError('bad_argument', `${where}: expected ${problem}; the manifest is damaged`);
}

/** The model called `name`. Throws 'usage' with the names there are. */
export function findModel(manifest: Manifest, name: string): PublishedModel {
  const found = manifest.models.find((model) => model.name === name);
  if (found !== undefined) return found;
  const names = manifest.models.map((model) => model.name);
  const guess = nearest(name, names);
  throw usage(
    `fetch: expected one of ${names.join(', ')}, got "${name}"` +
      (guess === undefined ? '' : `; did you mean ${guess}?`),
  );
}
