/**
 * Landmarks of any common layout as the five points alignment needs. Receives [x, y] pairs, { x, y }
 * objects or flat numbers in picture pixels; returns ten numbers. Refuses other counts, and layouts
 * without mouth corners; `landmark-rows.ts` says what a list of another length looks like.
 *
 * Everywhere "left" is the viewer's left: the eye and mouth corner at the smaller x of an upright
 * face (the subject's right). Libraries that name them from the subject's side mean the opposite.
 */

import { describe, typedArrayName } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';
import { describeRow } from './landmark-rows.ts';

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

/**
 * WFLW (Wu et al., "Look at Boundary", CVPR 2018; PFLD, PIPNet): pupils 96 and 97, nose tip 54, outer mouth
 * corners 76 and 82.
 */
export const WFLW_98: LandmarkMap = {
  name: '98 points (WFLW)',
  leftEye: [96],
  rightEye: [97],
  nose: [54],
  leftMouth: [76],
  rightMouth: [82],
};

/**
 * InsightFace's 2d106det, `landmark_2d_106` of its packs: pupils 38 and 88, nose tip 86, mouth corners 52
 * and 61. Source: the mark-up picture of deepinsight/insightface, alignment/coordinate_reg; its issue 2408
 * (34 and 38, 88 and 92 lie in the pupils). Other schemes of 106 points (Face++, JD-landmark) count
 * otherwise: read so, their points are not arranged like a face, and are refused.
 */
export const INSIGHTFACE_106: LandmarkMap = {
  name: '106 points (InsightFace 2d106det)',
  leftEye: [38],
  rightEye: [88],
  nose: [86],
  leftMouth: [52],
  rightMouth: [61],
};

const MAPS = new Map<number, LandmarkMap>([
  [5, FIVE_POINTS],
  [68, IBUG_68],
  [98, WFLW_98],
  [106, INSIGHTFACE_106],
  [468, MEDIAPIPE_468],
  [478, MEDIAPIPE_468],
]);

const KNOWN = '5, 68, 98, 106, 468 or 478 points';

/** Beyond this, in pixels, a coordinate is a mistake; keeps the warp's integers in range. */
const MAX_COORDINATE = 100_000;

type Point = readonly number[] | { readonly x: number; readonly y: number };

/**
 * 5, 68, 98, 106, 468 or 478 points in picture pixels: [x, y] pairs (a third coordinate is ignored),
 * { x, y } objects, or x1, y1, x2, y2, ...
 */
export type Landmarks = readonly Point[] | readonly number[] | Float32Array | Float64Array;

/** Left eye, right eye, nose, left and right mouth corner as x1, y1, ..., x5, y5. */
export function toFivePoints(landmarks: unknown): Float64Array {
  const flat = flatten(landmarks);
  const map = MAPS.get(flat.length / 2) as LandmarkMap;
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

function flatten(landmarks: unknown): number[] {
  const array = typedArrayName(landmarks);
  if (array === undefined ? !Array.isArray(landmarks) : /^Big/.test(array)) {
    throw bad(
      `landmarks: expected an array of points, got ${describe(landmarks)}; ` +
        'five are: left eye, right eye, nose, left and right mouth corner, as the viewer sees them',
    );
  }
  const items = landmarks as ArrayLike<unknown>;
  const { length } = items;
  if (array !== undefined || typeof items[0] === 'number') {
    if (!MAPS.has(length / 2)) throw wrongNumbers(items as ArrayLike<number>, length);
    // A copy: what is read twice from an object of the caller's may differ.
    return Array.from({ length }, (_, index) => items[index] as number);
  }
  // The count is checked before anything is read: a list of a billion points is refused here.
  if (length > MAX_POINTS) throw wrongCount(length);
  refuseNested(items, length);
  // By index: an array may bring an iterator of its own, without an end.
  const flat = Array.from({ length }, (_, index) => toPair(items[index], index)).flat();
  if (!MAPS.has(length)) throw wrongNumbers(flat, 2 * length);
  return flat;
}

/** Longer lists are of no layout, and are not read. */
const MAX_POINTS = 1000;

function toPair(point: unknown, index: number): [number, number] {
  const fields = point as { [key: string | number]: unknown } | null | undefined;
  const isList = Array.isArray(point) || ArrayBuffer.isView(point);
  const x = isList ? fields?.[0] : fields?.x;
  const y = isList ? fields?.[1] : fields?.y;
  if (typeof x === 'number' && typeof y === 'number') return [x, y];
  throw bad(`landmarks[${index}]: expected [x, y] or { x, y }, got ${describe(point)}`);
}

/** [[x1, x2, ...], [y1, y2, ...]] and [[point, point, ...]], as libraries for several faces return them. */
function refuseNested(items: ArrayLike<unknown>, length: number): void {
  const inner = items[0];
  if (!Array.isArray(inner) || !MAPS.has(inner.length)) return;
  if (length === 1) {
    throw bad(
      `landmarks: expected the points of one face, got a list of one list of ${inner.length}; pass landmarks[0]`,
    );
  }
  if (length === 2) {
    throw bad(
      `landmarks: expected points, got two lists of ${inner.length}, which look like all x and all y; ` +
        'make them pairs: [x1, y1], [x2, y2], ...',
    );
  }
}

function wrongNumbers(flat: ArrayLike<number>, length: number): ArcfaceError {
  const row = describeRow(flat, length);
  if (row !== undefined) return bad(`landmarks: expected ${KNOWN}, got ${row}`);
  if (length % 2 === 0) return wrongCount(length / 2);
  return bad(`landmarks: expected x1, y1, x2, y2, ..., got ${length} numbers`);
}

function wrongCount(count: number): ArcfaceError {
  if (count === 6) {
    return bad(
      `landmarks: expected ${KNOWN}, got 6; six-point layouts (BlazeFace, MediaPipe ` +
        'Face Detection) give the centre of the mouth instead of its two corners, which alignment ' +
        'needs; use a detector with five points or a face mesh',
    );
  }
  return bad(
    `landmarks: expected ${KNOWN}, got ${count}; ` +
      'five are: left eye, right eye, nose, left and right mouth corner',
  );
}

function bad(message: string): ArcfaceError {
  return new ArcfaceError('bad_argument', message);
}
