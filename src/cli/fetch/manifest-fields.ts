/**
 * The fields of a manifest, one by one, from JSON to typed entries. Receives anything; returns entries, or
 * what is wrong and where. What only informs people (summary, accuracy, ...) may be absent.
 */

import { printable } from '../../printable.ts';
import { addressProblem } from './http.ts';
import type {
  Archive,
  Licence,
  Manifest,
  Mirror,
  Part,
  PublishedModel,
  UrlStatus,
} from './manifest.ts';

const MAX_TEXT = 4000;
const MAX_ENTRIES = 1000;
const MAX_BYTES = 2 ** 40;
const STATUSES: readonly UrlStatus[] = ['unverified', 'ended', 'dead'];

/** Thrown inside this file only. */
class Problem extends Error {}

type Fields = Readonly<Record<string, unknown>>;

export function readFields(
  root: unknown,
  format: string,
): { problem: string; manifest?: never } | { problem?: never; manifest: Manifest } {
  try {
    const { format: stated, licences, models } = fields(root, 'the manifest');
    if (stated !== format) throw new Problem(`format ${format}`);
    const known = licencesOf(licences);
    const entries = list(models, 'models').map((model, i) => modelOf(model, `model ${i + 1}`));
    for (const { name, licence } of entries) {
      if (!Object.hasOwn(known, licence)) throw new Problem(`a known licence in ${name}`);
    }
    requireOnce(
      entries.map(({ name }) => name),
      'one model',
    );
    return { manifest: { licences: known, models: entries } };
  } catch (error) {
    if (error instanceof Problem) return { problem: error.message };
    throw error;
  }
}

function licencesOf(value: unknown): Record<string, Licence> {
  const entries = Object.entries(fields(value, 'licences')).map(([key, licence]) => {
    const where = `licence ${printable(key)}`;
    const { note, source, commercialUse = null } = fields(licence, where);
    if (commercialUse !== null && typeof commercialUse !== 'boolean') {
      throw new Problem(`commercialUse true, false or null in ${where}`);
    }
    return [
      key,
      {
        note: text(note, `a note in ${where}`),
        source: text(source, `a source in ${where}`),
        commercialUse,
      },
    ] as const;
  });
  return Object.fromEntries(entries);
}

function modelOf(value: unknown, place: string): PublishedModel {
  const model = fields(value, place);
  const name = fileName(model.name, `a plain name in ${place}`);
  const parts = list(model.parts, `parts in ${name}`).map((part) => partOf(part, name));
  if (parts.length === 0) throw new Problem(`parts in ${name}`);
  const files = parts.flatMap(({ file, archive }) => [
    file,
    ...(archive?.entries ?? []).map((e) => e.as),
  ]);
  requireOnce(files, `one file in ${name}`);
  const convert = optional(model.convert, null, (v) => fileName(v, `a file to convert in ${name}`));
  if (convert !== null && !files.includes(convert)) {
    throw new Problem(`one of its own files to convert in ${name}`);
  }
  const embedding = optional(model.embedding, null, (v) =>
    count(v, `an embedding's length in ${name}`, 1e6),
  );
  return {
    name,
    parts,
    convert,
    embedding,
    summary: optional(model.summary, '', (v) => text(v, `a summary in ${name}`)),
    framework: optional(model.framework, 'onnx', (v) =>
      oneOf(v, ['onnx', 'mxnet'], `a framework in ${name}`),
    ),
    inputOrder: optional(model.inputOrder, null, (v) =>
      oneOf(v, ['rgb', 'bgr'], `an input order in ${name}`),
    ),
    preprocessing: optional(model.preprocessing, null, (v) => preprocessingOf(v, name)),
    accuracy: optional(model.accuracy, [], (v) =>
      list(v, `accuracy in ${name}`).map((a) => accuracyOf(a, name)),
    ),
    licence: text(model.licence, `a licence in ${name}`),
    source: optional(model.source, '', (v) => text(v, `a source in ${name}`)),
    notes: optional(model.notes, null, (v) => text(v, `notes in ${name}`)),
  };
}

function preprocessingOf(value: unknown, name: string): PublishedModel['preprocessing'] {
  const { mean, std } = fields(value, `preprocessing in ${name}`);
  const isSound = Number.isFinite(mean) && Number.isFinite(std) && std !== 0;
  if (isSound) return { mean: mean as number, std: std as number };
  throw new Problem(`a finite mean and std, other than 0, as preprocessing in ${name}`);
}

function partOf(value: unknown, name: string): Part {
  const part = fields(value, `a part of ${name}`);
  const { sha256 } = part;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new Problem(`a SHA-256 of 64 lower-case hex digits in ${name}`);
  }
  return {
    file: fileName(part.file, `a plain file name in ${name}`),
    bytes: count(part.bytes, `a size in bytes in ${name}`, MAX_BYTES),
    sha256,
    ...(part.unverified !== undefined && {
      unverified: text(part.unverified, `who states an unverified hash in ${name}`),
    }),
    urls: list(part.urls, `urls in ${name}`).map((mirror) => mirrorOf(mirror, name)),
    ...(part.archive !== undefined && { archive: archiveOf(part.archive, name) }),
  };
}

function mirrorOf(value: unknown, name: string): Mirror {
  const { url, status, note } = fields(value, `an address of ${name}`);
  const problem = url === null ? undefined : addressProblem(text(url, `an address in ${name}`));
  if (problem !== undefined) throw new Problem(`an address in ${name} (${problem})`);
  return {
    url: url as string | null,
    status: oneOf(status, STATUSES, `the status of an address in ${name}`),
    note: text(note, `a note on an address in ${name}`),
  };
}

function archiveOf(value: unknown, name: string): Archive {
  const { type, maxBytes, entries } = fields(value, `an archive in ${name}`);
  const wanted = list(entries, `archive entries in ${name}`).map((entry) => {
    const { match, as } = fields(entry, `an archive entry in ${name}`);
    const pattern = text(match, `an archive entry's match in ${name}`);
    return { match: pattern, as: fileName(as, `a plain name for an archive entry in ${name}`) };
  });
  if (wanted.length === 0) throw new Problem(`archive entries in ${name}`);
  return {
    type: oneOf(type, ['zip', 'tar.gz'], `an archive's type in ${name}`),
    maxBytes: count(maxBytes, `a bound on what is unpacked in ${name}`, MAX_BYTES),
    entries: wanted,
  };
}

function accuracyOf(value: unknown, name: string): PublishedModel['accuracy'][number] {
  const { dataset, percent, source } = fields(value, `accuracy in ${name}`);
  if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100)) {
    throw new Problem(`an accuracy of 0 to 100 percent in ${name}`);
  }
  const where = `accuracy in ${name}`;
  return {
    dataset: text(dataset, `a data set of ${where}`),
    percent,
    source: text(source, `a source of ${where}`),
  };
}

function optional<T>(value: unknown, absent: T, read: (value: unknown) => T): T {
  return value === undefined || value === null ? absent : read(value);
}

function fields(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Problem(`${what} as an object`);
}

function list(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value) && value.length <= MAX_ENTRIES) return value;
  throw new Problem(`a list of at most ${MAX_ENTRIES} as ${what}`);
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string' && value.length <= MAX_TEXT && value === printable(value))
    return value;
  throw new Problem(`${what} as text of at most ${MAX_TEXT} characters without control characters`);
}

function count(value: unknown, what: string, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most)
    return value as number;
  throw new Problem(`${what}, 1 to ${most}`);
}

function oneOf<const T extends string>(value: unknown, choices: readonly T[], what: string): T {
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  throw new Problem(`${what} that is ${choices.join(' or ')}`);
}

/** Names that devices of Windows have with any ending, and those that `fetch` gives itself. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$|\.(part|version|lock|safetensors)$|\.$/i;

/** One path segment that stays in its folder on every system. */
function fileName(value: unknown, what: string): string {
  const isName = typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/.test(value);
  if (isName && !RESERVED.test(value)) return value;
  throw new Problem(what);
}

/** Not every file system tells upper from lower case. */
function requireOnce(names: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name.toLowerCase())) throw new Problem(`${what} of the name ${name}`);
    seen.add(name.toLowerCase());
  }
}
