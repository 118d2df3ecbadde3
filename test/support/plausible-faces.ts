/**
 * Five-point landmarks of faces as detectors find them, and the ways in which people hand them over
 * wrongly. Receives a source of random numbers; returns ten numbers in pixels of a picture.
 *
 * The face is MediaPipe's canonical face model (canonical_face_model.obj, centimetres, y upwards): eyes as
 * the means of vertices 33 and 133, 263 and 362; nose tip 1; mouth corners 61 and 291. Persons differ in
 * its width, height, depth of the nose and width of the mouth, and in each point; the camera is 4 to 20 eye
 * distances away; every coordinate has the detector's error.
 */

const MODEL: readonly (readonly [number, number, number])[] = [
  [-3.151, 2.625, 3.466],
  [3.151, 2.625, 3.466],
  [0, -1.127, 7.476],
  [-2.456, -4.343, 4.284],
  [2.456, -4.343, 4.284],
];
const EYES = 6.302;

export type Random = () => number;

/** mulberry32: the same numbers everywhere. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Pose {
  /** Largest turn to either side, in degrees. */
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
  /** Standard deviation of each coordinate, in eye distances. */
  readonly noise: number;
  /** Smallest turn to either side; 0 if not given. */
  readonly leastYaw?: number;
}

export const ANY_POSE: Pose = { yaw: 90, pitch: 45, roll: 180, noise: 0.03 };
/** What a detector finds in photographs that were taken on purpose. */
export const USUAL_POSE: Pose = { yaw: 60, pitch: 30, roll: 180, noise: 0.03 };

export interface PlausibleFace {
  /** x1, y1, ..., x5, y5. */
  readonly points: Float64Array;
  readonly width: number;
  readonly height: number;
}

export function plausibleFace(random: Random, pose: Pose): PlausibleFace {
  const turned = project(person(random), random, pose);
  const width = Math.round(112 * 40 ** random());
  const height = Math.round(width * (0.6 + 0.9 * random()));
  const eyes = Math.min(width, height) * (0.03 + 0.3 * random());
  const [x, y] = [width * (0.15 + 0.7 * random()), height * (0.15 + 0.7 * random())];
  const error = (): number => pose.noise * eyes * gaussian(random);
  const points = turned.flatMap(([u, v]) => [
    (u * eyes) / EYES + x + error(),
    (v * eyes) / EYES + y + error(),
  ]);
  return { points: Float64Array.from(points), width, height };
}

function person(random: Random): [number, number, number][] {
  const vary = (share: number): number => 1 + share * gaussian(random);
  const [wide, high, noseDepth, mouthWide] = [vary(0.05), vary(0.06), vary(0.12), vary(0.1)];
  const noseUp = 0.04 * EYES * gaussian(random);
  const mouthDown = 0.05 * EYES * gaussian(random);
  const own = (): number => 0.02 * EYES * gaussian(random);
  return MODEL.map(([x, y, z], i) => {
    const [isNose, isMouth] = [i === 2, i > 2];
    return [
      x * wide * (isMouth ? mouthWide : 1) + own(),
      y * high + (isNose ? noseUp : 0) - (isMouth ? mouthDown : 0) + own(),
      (isNose ? 3.87 + (z - 3.87) * noseDepth : z) + own(),
    ];
  });
}

/** In perspective; y downwards. */
function project(
  model: readonly (readonly [number, number, number])[],
  random: Random,
  pose: Pose,
): [number, number][] {
  const middle = [0, 1, 2].map((axis) =>
    model.reduce((sum, p) => sum + (p[axis] as number) / 5, 0),
  );
  const within = (most: number, least = 0): number =>
    (random() < 0.5 ? -1 : 1) * (least + (most - least) * random());
  const yaw = radians(within(pose.yaw, pose.leastYaw));
  const pitch = radians(within(pose.pitch));
  const roll = radians(within(pose.roll));
  const distance = EYES * (4 + 16 * random());
  return model.map((point) => {
    const [px, py, pz] = point.map((v, axis) => v - (middle[axis] as number)) as [
      number,
      number,
      number,
    ];
    const [x, z1] = turn(px, pz, yaw);
    const [y, z] = turn(py, -z1, pitch);
    const scale = distance / (distance + z);
    const [u, v] = turn(x * scale, -y * scale, roll);
    return [u, v];
  });
}

function turn(u: number, v: number, angle: number): [number, number] {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [u * c + v * s, v * c - u * s];
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const moved =
  (...order: number[]) =>
  (p: Float64Array): Float64Array =>
    Float64Array.from(order.flatMap((k) => [p[2 * k] as number, p[2 * k + 1] as number]));

const placed =
  (...places: number[]) =>
  (p: Float64Array): Float64Array =>
    Float64Array.from(places, (place) => p[place] as number);

/** A wrong list made of a right one, and the words by which the refusal has to name it. */
// biome-ignore format: a table
export const WRONG_ORDERS: readonly (readonly [string, (p: Float64Array) => Float64Array, RegExp])[] = [
  ['all x, then all y', placed(0, 2, 4, 6, 8, 1, 3, 5, 7, 9), /all x first, then all y/],
  ['all y, then all x', placed(1, 3, 5, 7, 9, 0, 2, 4, 6, 8), /all y first, then all x/],
  ['y before x', placed(1, 0, 3, 2, 5, 4, 7, 6, 9, 8), /mirrored/],
  ["the person's left first", moved(1, 0, 2, 4, 3), /mirrored/],
  ['the eyes swapped', moved(1, 0, 2, 3, 4), /two eyes swapped/],
  ['the mouth corners swapped', moved(0, 1, 2, 4, 3), /two mouth corners swapped/],
  ['mouth before nose', moved(0, 1, 3, 4, 2), /mouth corners before the nose/],
  ['nose first', moved(2, 0, 1, 3, 4), /nose before the eyes/],
  ["mouth before nose, person's left first", moved(1, 0, 4, 3, 2), /mouth corners before the nose/],
  ["nose first, person's left first", moved(2, 1, 0, 4, 3), /nose before the eyes/],
  ['y upwards', (p) => p.map((v, i) => (i % 2 === 0 ? v : -v)), /mirrored/],
];
