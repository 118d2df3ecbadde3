/** What `fetch` reads: manifests, zip and tar.gz archives. Archives are unpacked on disk, in a folder of their own. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseManifest } from '../../../src/cli/fetch/manifest.ts';
import { unpack } from '../../../src/cli/fetch/unpack.ts';
import { writeTarGz, writeZip } from '../../support/archives.ts';
import { mutateGzip, writeHostileTarGz, writeHostileZip } from '../mutate/archives.ts';
import { mutateJson } from '../mutate/json.ts';
import type { Files, Reader } from '../reader.ts';

const ENTRIES = [
  { path: 'a/m.params', bytes: new Uint8Array(3000).fill(7) },
  { path: 'a/m-symbol.json', bytes: new Uint8Array(50).fill(0x20) },
];
const WANTED = [{ match: 'm.params', as: 'm-0000.params' }];
const MAX_BYTES = 10_000;
/** Streams of Node work in blocks of 16 to 64 KB, whatever they carry. */
const STREAM_BYTES = 4 * 2 ** 20;

let folder: string | undefined;

/** One for the whole process: made on first use, removed at its end. */
function scratch(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'arcface-fuzz-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}

/** Unpacks, then looks at all that lies around: nothing but what the manifest names may have come. */
function unpacking(type: 'zip' | 'tar.gz'): (files: Files) => Promise<void> {
  return async ([file]) => {
    const outer = join(scratch(), type);
    const inner = join(outer, 'inner');
    rmSync(outer, { recursive: true, force: true });
    mkdirSync(inner, { recursive: true });
    const path = join(outer, 'archive');
    writeFileSync(path, file as Uint8Array);
    let refusal: unknown;
    await unpack(path, { type, maxBytes: MAX_BYTES, entries: WANTED }, inner).catch((error) => {
      refusal = error;
    });
    requireNamed(outer);
    if (refusal !== undefined) throw refusal;
  };
}

function requireNamed(outer: string): void {
  const found = readdirSync(outer, { recursive: true, encoding: 'utf8' }).sort().join(' ');
  const named = ['archive inner', `archive inner ${join('inner', 'm-0000.params')}`];
  if (!named.includes(found)) throw new Error(`files that nobody named: ${found}`);
}

export function downloadReaders(): Reader[] {
  const archive = {
    files: ['archive'],
    codes: ['bad_model', 'integrity', 'io'],
    allowance: () => STREAM_BYTES,
  };
  return [
    {
      name: 'manifest',
      files: ['manifest.json'],
      samples: [[new Uint8Array(readFileSync('weights/manifest.json'))]],
      mutators: [[mutateJson]],
      codes: ['bad_argument'],
      read: ([file]) => parseManifest(new TextDecoder().decode(file)),
    },
    {
      name: 'zip',
      ...archive,
      samples: [
        [new Uint8Array(writeZip(ENTRIES))],
        [new Uint8Array(writeZip(ENTRIES, 'comment'))],
      ],
      mutators: [[writeHostileZip]],
      read: unpacking('zip'),
    },
    {
      name: 'tar-gz',
      ...archive,
      samples: [[new Uint8Array(writeTarGz(ENTRIES))]],
      mutators: [[writeHostileTarGz, mutateGzip]],
      read: unpacking('tar.gz'),
    },
  ];
}
