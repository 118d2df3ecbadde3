/**
 * Takes single files out of a downloaded zip or tar.gz. Receives the archive's path and what to take,
 * writes each under a name that the manifest gives (never one from the archive), whole or not at all.
 * Refuses entries that are missing, ambiguous or larger than the manifest's bound.
 */

import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Choose, wrongArchive } from './archive-entry.ts';
import { diskError } from './disk.ts';
import type { Archive } from './manifest.ts';
import { extractTarGz } from './untar.ts';
import { extractZip } from './unzip.ts';

/** Returns the paths written. */
export async function unpack(
  archivePath: string,
  archive: Archive,
  folder: string,
): Promise<string[]> {
  const targets = new Map(archive.entries.map(({ match, as }) => [match, join(folder, as)]));
  const taken = new Set<string>();
  const choose: Choose = (entryPath) => {
    const match = [...targets.keys()].find((pattern) => matches(entryPath, pattern));
    if (match === undefined) return null;
    if (taken.has(match)) throw wrongArchive(archivePath, `one ${match}, got a second one`);
    taken.add(match);
    return `${targets.get(match)}.part`;
  };
  const extract = archive.type === 'zip' ? extractZip : extractTarGz;
  const finals = [...targets.values()];
  try {
    await extract(archivePath, choose, archive.maxBytes);
    const missing = [...targets.keys()].filter((match) => !taken.has(match));
    if (missing.length > 0)
      throw wrongArchive(archivePath, `${missing.join(', ')} in it, got none`);
    for (const path of finals) await rename(`${path}.part`, path).catch(diskError(path));
  } finally {
    await Promise.all(finals.map((path) => rm(`${path}.part`, { force: true })));
  }
  return finals;
}

function matches(entryPath: string, pattern: string): boolean {
  const name = entryPath.split('/').at(-1) ?? '';
  if (!pattern.startsWith('*')) return name === pattern;
  // macOS puts "._name" beside each file in the archives it makes.
  return name.endsWith(pattern.slice(1)) && !name.startsWith('.');
}
