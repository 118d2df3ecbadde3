/**
 * Landmarks of any common layout as the five points alignment needs. Receives [x, y] pairs, { x, y }
 * objects or flat numbers in picture pixels; returns ten numbers. Refuses other counts, and layouts
 * without mouth corners.
 *
 * Everywhere "left" is the viewer's left: the eye and mouth corner at the smaller x of an upright
 * face (the subject's right). Libraries that name them from the subject's side mean the opposite.
 */

import { describe, typedArrayName } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';

/** Where the five points are in a layout: each is the mean of the listed points. */
export interface LandmarkMap {
  readonly name: string;
  readonly leftEye: readonly number[];
  readonly rightEye: readonly number[];
  readonly nose: readonly number[];
  readonly leftMouth: readonly number[];
  readonly rightMouth: readonly number[];
}

/** InsightFace, RetinaFace, SCRFD, MTCNN: the five points themselves. */
export const FIVE_POINTS: LandmarkMap = {
  name: 'five points',
  leftEye: [0],
  rightEye: [1],
  nose: [2],
  leftMouth: [3],
  rightMouth: [4],
};

/**
 * iBUG 300-W (dlib, face-api, many others), counted from 0: eye contours 36..41 and 42..47, nose
 * tip 30, outer mouth corners 48 and 54. The mean of a contour is the eye's centre.
 */
export const IBUG_68: LandmarkMap = {
  name: '68 points (iBUG 300-W)',
  leftEye: [36, 37, 38, 39, 40, 41],
  rightEye: [42, 43, 44, 45, 46, 47],
  nose: [30],
  leftMouth: [48],
  rightMouth: [54],
};

/**
 * MediaPipe Face Mesh: six contour points per eye in the order of iBUG, nose tip 1, mouth corners
 * 61 and 291. With 478 points the last ten are irises, which follow the gaze and are not used.
 */
export const MEDIAPIPE_468: LandmarkMap = {
  name: '468 or 478 points (MediaPipe Face Mesh)',
  leftEye: [33, 160, 158, 133, 153, 144],
  rightEye: [362, 385, 387, 263, 373, 380],
  nose: [1],
  leftMouth: [61],
  rightMouth: [291],
};

const MAPS = new Map<number, LandmarkMap>([
  [5, FIVE_POINTS],
  [68, IBUG_68],
  [468, MEDIAPIPE_468],
  [478, MEDIAPIPE_468],
]);

/** Beyond this, in pixels, a coordinate is a mistake; keeps the warp's integers in range. */
const MAX_COORDINATE = 100_000;

type Point = readonly number[] | { readonly x: number; readonly y: number };

/**
 * 5, 68, 468 or 478 points in picture pixels: [x, y] pairs (a third coordinate is ignored),
 * { x, y } objects, or x1, y1, x2, y2, ...
 */
export type Landmarks = readonly Point[] | readonly number[] | Float32Array | Float64Array;

/** Left eye, right eye, nose, left and right mouth corner as x1, y1, ..., x5, y5. */
export function toFivePoints(landmarks: unknown): Float64Array {
  const flat = flatten(landmarks);
  const count = flat.length / 2;
  const map = MAPS.get(count);
  if (!map) throw wrongCount(count);
  const five = new Float64Array(10);
  const parts = [map.leftEye, map.rightEye, map.nose, map.leftMouth, map.rightMouth];
  for (const [i, part] of parts.entries()) {
    for (const index of part) {
      for (const axis of [0, 1]) {
        const value = flat[2 * index + axis] as number;
        if (typeof value !== 'number' || !(Math.abs(value) <= MAX_COORDINATE)) {
          throw bad(`landmarks[${index}]: expected pixels of the picture, got ${describe(value)}`);
        }
        five[2 * i + axis] = (five[2 * i + axis] as number) + value / part.length;
      }
    }
  }
  return five;
}

function flatten(landmarks: unknown): ArrayLike<number> {
  const array = typedArrayName(landmarks);
  if (array === undefined ? !Array.isArray(landmarks) : /^Big/.test(array)) {
    throw bad(`landmarks: expected an array of points, got ${describe(landmarks)}`);
  }
  const items = landmarks as ArrayLike<unknown>;
  const { length } = items;
  if (array !== undefined || typeof items[0] === 'number') {
    if (length % 2 !== 0) {
      throw bad(`landmarks: expected x1, y1, x2, y2, ..., got ${length} numbers`);
    }
    if (!MAPS.has(length / 2)) throw wrongCount(length / 2);
    return items as ArrayLike<number>;
  }
  // The count is checked before anything is read: a list of a billion points is refused here.
  if (!MAPS.has(length)) throw wrongCount(length);
  // By index: an array may bring an iterator of its own, without an end.
  return Array.from({ length }, (_, index) => toPair(items[index], index)).flat();
}

function toPair(point: unknown, index: number): [number, number] {
  const fields = point as { [key: string | number]: unknown } | null | undefined;
  const isList = Array.isArray(point) || ArrayBuffer.isView(point);
  const x = isList ? fields?.[0] : fields?.x;
  const y = isList ? fields?.[1] : fields?.y;
  if (typeof x === 'number' && typeof y === 'number') return [x, y];
  throw bad(`landmarks[${index}]: expected [x, y] or { x, y }, got ${describe(point)}`);
}

function wrongCount(count: number): ArcfaceError {
  if (count === 6) {
    return bad(
      'landmarks: expected 5, 68, 468 or 478 points, got 6; six-point layouts (BlazeFace, MediaPipe ' +
        'Face Detection) give the centre of the mouth instead of its two corners, which alignment ' +
        'needs; use a detector with five points or a face mesh',
    );
  }
  return bad(
    `landmarks: expected 5, 68, 468 or 478 points, got ${count}; ` +
      'five are: left eye, right eye, nose, left and right mouth corner',
  );
}

function bad(message: string): ArcfaceError {
  return new ArcfaceError('bad_argument', message);
}
