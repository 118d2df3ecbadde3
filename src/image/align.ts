/**
 * Alignment: a picture and its face's landmarks in, the 112x112 crop the network was trained on out.
 * The least-squares similarity (rotation, uniform scale, shift) takes the five points to InsightFace's
 * template; pixels are interpolated bilinearly, 0 outside the picture. Refuses what `landmarks.ts` and
 * `landmark-order.ts` refuse, and pictures whose size and data disagree.
 */

import { describe, typedArrayLength, typedArrayName } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';
import { guarded } from '../guard.ts';
import {
  FACE_SIZE,
  type ImageDataLike,
  type PictureFields,
  type PixelChannels,
  pixelFormat,
  readFields,
} from './face.ts';
import { estimateSimilarity } from './fit.ts';
import { checkOrder } from './landmark-order.ts';
import { type Landmarks, toFivePoints } from './landmarks.ts';
import { warp } from './warp.ts';

/** Bytes of any size: rows from the top, no padding. A DOM `ImageData` is one. */
export type Picture =
  | ImageDataLike
  | {
      readonly data: Uint8Array | Uint8ClampedArray;
      readonly width: number;
      readonly height: number;
      readonly channels: PixelChannels;
    };

/** An aligned face, RGB bytes; a `Face`. */
export interface Crop {
  readonly data: Uint8Array;
  readonly width: 112;
  readonly height: 112;
  readonly channels: 'rgb';
}

/**
 * Crops the face in `picture` at `landmarks` (pixels of the picture) to 112x112 RGB. Alpha is ignored.
 * Throws ArcfaceError 'bad_picture', or 'bad_argument' for landmarks: of another count, or in another order.
 * They are a face's when the best of 175 views of the template explains at least 0.88 of their spread (0.99
 * in the median, profiles and any roll included), and no other order explains more; docs/alignment.md.
 */
export function alignFace(picture: Picture, landmarks: Landmarks, ...more: never[]): Crop {
  if (more[0] !== undefined) {
    throw new ArcfaceError(
      'bad_argument',
      `alignFace: expected a picture and landmarks alone, got ${describe(more[0])} too; ` +
        'there are no options: a crop is 112x112, RGB',
    );
  }
  // Landmarks first: reading them may run code of the caller's, which the picture must survive.
  const points = guarded('bad_argument', 'landmarks', () => toFivePoints(landmarks));
  const source = checkPicture(picture);
  // The order first: numbers of another order may lie anywhere.
  checkOrder(points, source);
  refuseOutside(points, source.width, source.height);
  const [a, b, tx, ty] = estimateSimilarity(points);
  const data = warp(source, [a, -b, tx, b, a, ty], FACE_SIZE);
  return { data, width: FACE_SIZE, height: FACE_SIZE, channels: 'rgb' };
}

function checkPicture(picture: unknown): Parameters<typeof warp>[0] {
  const { data, width, height, channels } = fieldsOf(picture);
  const kind = typedArrayName(data);
  if (kind !== 'Uint8Array' && kind !== 'Uint8ClampedArray') {
    throw bad(
      `picture: expected ImageData or { data: Uint8Array, width, height, channels }, ` +
        `got ${data === undefined ? describe(picture) : `data = ${describe(data)}`}`,
    );
  }
  if (!isSide(width) || !isSide(height)) {
    throw bad(
      `picture: expected a width and height from 1 to ${MAX_SIDE}, got ${describe(width)}x${describe(height)}`,
    );
  }
  const bytes = data as Uint8Array;
  const length = typedArrayLength(bytes);
  const { step, red } = pixelFormat(channels, kind, length, width * height, 'picture');
  if (length !== width * height * step) {
    throw bad(
      `picture.data: expected ${width * height * step} bytes (${width} x ${height} x ${step}), got ${length}`,
    );
  }
  return { bytes, width, height, step, red };
}

function fieldsOf(picture: unknown): Partial<PictureFields> {
  return typeof picture === 'object' && picture !== null ? readFields(picture, 'picture') : {};
}

/** A face may be cut by the picture's edge; landmarks of another picture usually miss it entirely. */
function refuseOutside(points: Float64Array, width: number, height: number): void {
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i] as number, points[i + 1] as number];
    if (x >= 0 && y >= 0 && x <= width && y <= height) return;
  }
  throw bad(
    `landmarks: expected points inside the ${width}x${height} picture, got all of them outside; ` +
      'were they found in a picture of another size?',
  );
}

/** OpenCV's warp keeps coordinates in 16 bits; so does ours. */
const MAX_SIDE = 32767;

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_SIDE;
}

function bad(message: string): ArcfaceError {
  return new ArcfaceError('bad_picture', message);
}
