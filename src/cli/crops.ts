/**
 * Aligned crops of faces that a user has: pictures in a folder and the folders in it, or an `lfw.bin`.
 * Receives a path, returns decoded crops, each picture once, evenly spread over what is there. Refuses
 * folders without pictures, and pictures that are no 112x112 crops.
 */

import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readLfwBin } from '../dataset/lfw-bin.ts';
import { ArcfaceError } from '../errors.ts';
import { ioError, MAX_PICTURE_BYTES, readBytes } from './files.ts';
import { decodeCrop } from './read-crop.ts';

interface Encoded {
  readonly where: string;
  read(): Promise<Uint8Array>;
}

/** At most `count` crops as RGBA, 112x112. */
export async function readCrops(path: string, count: number): Promise<Uint8ClampedArray[]> {
  const all = await encodedIn(path);
  const step = Math.max(1, all.length / count);
  const seen = new Set<string>();
  const crops: Uint8ClampedArray[] = [];
  for (let k = 0; k < Math.min(count, all.length); k++) {
    const { where, read } = all[Math.floor(k * step)] as Encoded;
    const bytes = await read();
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (seen.has(hash)) continue;
    seen.add(hash);
    crops.push((await decodeCrop(bytes, where, 'align the pictures first')).data);
  }
  return crops;
}

async function encodedIn(path: string): Promise<Encoded[]> {
  const stats = await stat(path).catch((cause) => {
    throw ioError(path, 'a folder of crops or an lfw.bin', cause);
  });
  if (stats.isDirectory()) return picturesIn(path);
  const { images } = readLfwBin(await readBytes(path), path);
  return images.map((image, i) => ({ where: `${path}, picture ${i}`, read: async () => image }));
}

async function picturesIn(folder: string): Promise<Encoded[]> {
  const names = await readdir(folder, { recursive: true }).catch((cause) => {
    throw ioError(folder, 'a readable folder', cause);
  });
  const pictures = names.filter((name) => /\.(jpe?g|png)$/i.test(name)).sort();
  if (pictures.length > 0) {
    return pictures.map((name) => {
      const where = join(folder, name);
      return { where, read: () => readBytes(where, MAX_PICTURE_BYTES) };
    });
  }
  throw new ArcfaceError(
    'bad_dataset',
    `${folder}: expected aligned 112x112 crops (.jpg, .png), got none among ${names.length} files`,
  );
}
