/**
 * A path to a face: a 112x112 JPEG or PNG; a larger one with landmarks; or .npy, uint8
 * [112, 112, 3] or float32 [1, 3, 112, 112]. Refuses crops of another size when nothing says where
 * the face is.
 */

import { ArcfaceError } from '../errors.ts';
import { isNpy, type NpyArray, readNpy } from '../formats/npy.ts';
import { alignFace } from '../image/align.ts';
import { decodePicture } from '../image/decode.ts';
import { FACE_SIZE, type Face } from '../image/face.ts';
import { usage } from './args.ts';
import { MAX_PICTURE_BYTES, readBytes } from './files.ts';
import { decodeCrop } from './read-crop.ts';

export interface ReadFaceOptions {
  /** The file's channels are blue, green, red. */
  readonly bgr?: boolean | undefined;
  /** x1, y1, x2, y2, ... in pixels of the upright picture. */
  readonly landmarks?: readonly number[] | undefined;
}

export async function readFace(path: string, options: ReadFaceOptions = {}): Promise<Face> {
  return faceOf(await readBytes(path, MAX_PICTURE_BYTES), path, options);
}

/** `bytes`: the whole file at `path`. */
export async function faceOf(
  bytes: Uint8Array,
  path: string,
  options: ReadFaceOptions,
): Promise<Face> {
  if (isNpy(bytes) || path.endsWith('.npy')) {
    if (options.landmarks) {
      throw usage(
        `--landmarks: expected a picture to align, got ${path}, which holds an aligned crop; say none for it`,
      );
    }
    return npyFace(readNpy(bytes, path), path, options.bgr ? 'bgr' : 'rgb');
  }
  const channels = options.bgr ? ('bgra' as const) : ('rgba' as const);
  if (options.landmarks) {
    return alignFace({ ...(await decodePicture(bytes, path)), channels }, options.landmarks);
  }
  return { ...(await decodeCrop(bytes, path, HOW_TO_ALIGN)), channels };
}

const HOW_TO_ALIGN =
  'give --landmarks x1,y1,...,x5,y5 (left eye, right eye, nose, mouth corners) to align it, ' +
  'once for each face';

function npyFace(array: NpyArray, path: string, channels: 'rgb' | 'bgr'): Face {
  const { shape } = array;
  const is = (...expected: number[]): boolean => shape.join() === expected.join();
  if (array.dtype === 'uint8' && is(FACE_SIZE, FACE_SIZE, 3)) {
    return { data: array.data, width: FACE_SIZE, height: FACE_SIZE, channels };
  }
  if (array.dtype === 'float32' && is(1, 3, FACE_SIZE, FACE_SIZE)) {
    return { data: array.data, layout: 'nchw', channels };
  }
  throw new ArcfaceError(
    'bad_picture',
    `${path}: expected uint8 (112, 112, 3) or float32 (1, 3, 112, 112), got ${array.dtype} (${shape.join(', ')})`,
  );
}

/** `--landmarks` as often as there are faces: numbers, or undefined for one that is aligned already. */
export function landmarksPerFace(
  given: readonly string[] | undefined,
  faces: readonly string[],
): (number[] | undefined)[] {
  if (given === undefined) return faces.map(() => undefined);
  const lists = given.map((text) => (text.trim() === 'none' ? undefined : parseLandmarks(text)));
  if (lists.length === faces.length) return lists;
  throw usage(
    `--landmarks: expected it once for each of ${faces.length} faces, in their order ` +
      `(none for an aligned crop), got it ${lists.length} times`,
  );
}

/** `--landmarks 38.3,51.7,...` to numbers; how many points there must be, alignment checks. */
function parseLandmarks(text: string): number[] {
  const numbers = text
    .trim()
    .split(/\s*[,;]\s*|\s+/)
    .map((part) => (part === '' ? Number.NaN : Number(part)));
  if (numbers.every(Number.isFinite)) return numbers;
  throw usage(`--landmarks: expected numbers x1,y1,x2,y2,..., got '${text.slice(0, 80)}'`);
}
