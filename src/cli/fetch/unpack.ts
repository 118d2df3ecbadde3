/**
 * Takes single files out of a downloaded zip or tar.gz. Receives the archive's path and what to take,
 * writes each under a name that the manifest gives (never one from the archive), whole or not at all.
 * Refuses entries that are missing, ambiguous or larger than the manifest's bound, and to replace a file
 * that is there with other content.
 */

import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArcfaceError } from '../../errors.ts';
import { removeWhenInterrupted } from '../leftovers.ts';
import { type Choose, wrongArchive } from './archive-entry.ts';
import { fileSha256 } from './disk.ts';
import type { Archive } from './manifest.ts';
import { giveName, isFileThere } from './own-file.ts';
import { extractTarGz } from './untar.ts';
import { extractZip } from './unzip.ts';

export interface Unpacked {
  readonly path: string;
  /** False if the same file was there before. */
  readonly made: boolean;
}

interface Target {
  readonly match: string;
  readonly path: string;
  /** Where it is written until all are whole. */
  readonly beside: string;
}

export async function unpack(
  archivePath: string,
  archive: Archive,
  folder: string,
): Promise<Unpacked[]> {
  const run = randomBytes(6).toString('hex');
  const targets = archive.entries.map(({ match, as }, i): Target => {
    return {
      match,
      path: join(folder, as),
      beside: join(folder, `.arcface-wasm-${run}-${i}.part`),
    };
  });
  const done = targets.map(({ beside }) => removeWhenInterrupted(beside));
  try {
    await extract(archivePath, archive, targets);
    const unpacked: Unpacked[] = [];
    for (const target of targets) unpacked.push(await place(target));
    return unpacked;
  } finally {
    await Promise.all(targets.map(({ beside }) => rm(beside, { force: true })));
    for (const end of done) end();
  }
}

async function extract(path: string, archive: Archive, targets: readonly Target[]): Promise<void> {
  const taken = new Set<Target>();
  const choose: Choose = (entryPath) => {
    const target = targets.find(({ match }) => matches(entryPath, match));
    if (target === undefined) return null;
    if (taken.has(target)) throw wrongArchive(path, `one ${target.match}, got a second one`);
    taken.add(target);
    return target.beside;
  };
  await (archive.type === 'zip' ? extractZip : extractTarGz)(path, choose, archive.maxBytes);
  const missing = targets.filter((target) => !taken.has(target)).map(({ match }) => match);
  if (missing.length > 0) throw wrongArchive(path, `${missing.join(', ')} in it, got none`);
}

async function place({ path, beside }: Target): Promise<Unpacked> {
  if (!(await isFileThere(path))) {
    await giveName(beside, path);
    return { path, made: true };
  }
  if ((await fileSha256(path)) === (await fileSha256(beside))) return { path, made: false };
  throw new ArcfaceError(
    'io',
    `${path}: expected no such file or the published one, got a file with other content; move it away`,
  );
}

function matches(entryPath: string, pattern: string): boolean {
  const name = entryPath.split('/').at(-1) ?? '';
  if (!pattern.startsWith('*')) return name === pattern;
  // macOS puts "._name" beside each file in the archives it makes.
  return name.endsWith(pattern.slice(1)) && !name.startsWith('.');
}
