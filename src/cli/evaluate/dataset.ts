/**
 * Pairs of pictures to evaluate on: an `lfw.bin`, or lists of pairs with a folder of aligned crops.
 * Pictures are read when they are asked for. Refuses pairs whose pictures are missing.
 */

import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readLfwBin } from '../../dataset/lfw-bin.ts';
import { type Pair, type PairPicture, parsePairs, picturePath } from '../../dataset/pairs.ts';
import { ArcfaceError } from '../../errors.ts';
import { ioError, MAX_PICTURE_BYTES, readBytes, readHead } from '../files.ts';
import { foreignFile } from '../foreign-files.ts';
import { isDirectory } from '../model-files.ts';
import { HEAD_BYTES, isSafetensors } from '../model-kind.ts';

export interface Dataset {
  /** Name of the file the pairs come from. */
  readonly name: string;
  /** Paths of every file that is read. */
  readonly files: readonly string[];
  /** One per pair. */
  readonly same: readonly boolean[];
  /** Pictures 2i and 2i + 1 form pair i; equal keys mean the same picture. */
  readonly keys: readonly string[];
  /** Who is on the picture at a place in `keys`; null where the data set does not say. */
  readonly people: readonly string[] | null;
  /** Sentences for people about the list itself. */
  readonly notes: readonly string[];
  /** The encoded picture at a place in `keys`. */
  read(index: number): Promise<Uint8Array>;
  /** Where that picture is, for messages. */
  where(index: number): string;
}

export async function openLfwBin(path: string): Promise<Dataset> {
  await refuseOther(path);
  const { images, same } = readLfwBin(await readBytes(path), path);
  return {
    name: basename(path),
    files: [path],
    same,
    keys: images.map((image) => createHash('sha256').update(image).digest('base64')),
    people: null,
    notes: [],
    read: async (index) => images[index] as Uint8Array,
    where: (index) => `${path}, picture ${index}`,
  };
}

/** A pickle is read; what else stands here by mistake is known by its start. */
async function refuseOther(path: string): Promise<void> {
  const fail = (got: string): ArcfaceError =>
    new ArcfaceError('bad_dataset', `${path}: expected an lfw.bin (a pickle), got ${got}`);
  if (await isDirectory(path)) {
    throw fail(`a directory; of a folder of pictures: --pairs <list> --images ${path}`);
  }
  const { bytes: head, size } = await readHead(path, HEAD_BYTES);
  if (isSafetensors(head, size)) throw fail('weights; they come before it');
  const foreign = foreignFile({ head, path });
  if (foreign === undefined || foreign.what.includes('pickle')) return;
  throw fail(`${foreign.what}; for pictures in a folder give --pairs <list> --images <folder>`);
}

/** A million lines of two long names. */
const MAX_PAIRS_BYTES = 2 ** 28;

/** The pairs of one list after those of the other: a list may hold one kind of pairs alone. */
export async function openPairs(lists: readonly string[], folder: string): Promise<Dataset> {
  const pairs: Pair[] = [];
  const notes: string[] = [];
  for (const path of lists) {
    const list = parsePairs(new TextDecoder().decode(await readBytes(path, MAX_PAIRS_BYTES)), path);
    pairs.push(...list.pairs);
    if (list.announced !== null && list.announced !== list.pairs.length) {
      notes.push(
        `${path}: its first line announces ${list.announced} pairs, the list has ${list.pairs.length}; is it whole?`,
      );
    }
  }
  const keys = await findPictures(pairs, folder);
  return {
    name: lists.map((path) => basename(path)).join(' and '),
    files: [...lists, ...new Set(keys)],
    same: pairs.map((pair) => pair.same),
    keys,
    people: pairs.flatMap(({ first, second }) => [first.name, second.name]),
    notes,
    read: (index) => readBytes(keys[index] as string, MAX_PICTURE_BYTES),
    where: (index) => keys[index] as string,
  };
}

/** Paths, two per pair. Each folder is listed once. */
async function findPictures(pairs: readonly Pair[], folder: string): Promise<string[]> {
  const folders = new Map<string, Promise<readonly string[]>>();
  const list = (inside: string): Promise<readonly string[]> => {
    const known = folders.get(inside) ?? listFolder(inside);
    folders.set(inside, known);
    return known;
  };
  const keys: string[] = [];
  for (const { first, second } of pairs) {
    keys.push(await findPicture(folder, first, list), await findPicture(folder, second, list));
  }
  return keys;
}

/** `count` pairs spread evenly over the list, so that folds keep both kinds of pairs. */
export function limitPairs(dataset: Dataset, count: number): Dataset {
  const total = dataset.same.length;
  if (count >= total) return dataset;
  const pairs = Array.from({ length: count }, (_, k) => Math.floor((k * total) / count));
  const pictures = pairs.flatMap((pair) => [2 * pair, 2 * pair + 1]);
  const at = (index: number): number => pictures[index] as number;
  return {
    name: dataset.name,
    files: dataset.files,
    same: pairs.map((pair) => dataset.same[pair] as boolean),
    keys: pictures.map((index) => dataset.keys[index] as string),
    people: dataset.people && pictures.map((index) => dataset.people?.[index] as string),
    notes: dataset.notes,
    read: (index) => dataset.read(at(index)),
    where: (index) => dataset.where(at(index)),
  };
}

const ENDINGS = ['.jpg', '.jpeg', '.png'];
/** Found where no other is there, so that the refusal says what the file is instead of that it is missing. */
const UNREAD_ENDINGS = ['.webp', '.bmp', '.gif', '.tif', '.tiff', '.avif', '.heic', '.jxl', '.ppm'];

/** `<folder>/<name>/<name>_0001.jpg`, or the same without the person's own folder. */
async function findPicture(
  folder: string,
  picture: PairPicture,
  list: (folder: string) => Promise<readonly string[]>,
): Promise<string> {
  const stem = basename(picturePath(picture));
  for (const inside of [join(folder, picture.name), folder]) {
    const files = await list(inside);
    for (const endings of [ENDINGS, UNREAD_ENDINGS]) {
      const names = endings.map((end) => (stem + end).toLowerCase());
      const found = files.find((file) => names.includes(file.toLowerCase()));
      if (found !== undefined) return join(inside, found);
    }
  }
  throw new ArcfaceError(
    'bad_dataset',
    `${folder}: expected ${picturePath(picture)}${ENDINGS[0]} (or ${ENDINGS.slice(1).join(', ')}), got no such file`,
  );
}

/** Empty when there is no such folder: the message then names the picture that is missing. */
async function listFolder(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw ioError(path, 'a readable folder', cause);
  }
}
