/**
 * Do five points look like a face, from any side? Receives centred points in the order of the template;
 * returns how much of their spread a similarity of the template explains, or of the best of 175 views of it.
 *
 * A face that is turned away is no similarity of the template: of a profile the template explains little
 * more than half. But a similarity of the template *seen from that side* explains nearly all of it. So the
 * template gets a depth and is turned to yaws of -90..90 and pitches of -45..45 degrees, every 7.5 and every
 * 15 (scaled orthographic projection); roll, scale and place are the similarity's.
 */

import { centred, explained, spreadOf, TEMPLATE } from './fit.ts';

/**
 * How far the points stand in front of the eyes, in pixels of the template. From MediaPipe's
 * canonical_face_model.obj (centimetres; eyes 33 and 133, nose tip 1, mouth corner 61: z = 3.17 and 3.76,
 * 7.48, 4.28), whose eyes are 6.3 apart and the template's 35.2.
 */
const DEPTH = [0, 0, 21, 4.5, 4.5] as const;

/** Share of the spread of `p` that the best view explains, 0..1. */
export function bestView(p: Float64Array): number {
  views ??= makeViews();
  let best = 0;
  for (const view of views) best = Math.max(best, explained(view, p));
  return best / spreadOf(p);
}

/** Share that the template itself explains, 0..1: near 1 when the face looks into the camera. */
export function frontView(p: Float64Array): number {
  front ??= ofUnitSpread(TEMPLATE);
  return explained(front, p) / spreadOf(p);
}

/** Made on first use: importing the library computes nothing. */
let views: readonly Float64Array[] | undefined;
let front: Float64Array | undefined;

function makeViews(): Float64Array[] {
  const made: Float64Array[] = [];
  for (let yaw = -90; yaw <= 90; yaw += 7.5) {
    for (let pitch = -45; pitch <= 45; pitch += 15) made.push(viewFrom(yaw, pitch));
  }
  return made;
}

/** The template turned by `yaw`, then by `pitch` degrees about its middle, and its depth left out. */
function viewFrom(yaw: number, pitch: number): Float64Array {
  const flat = centred(TEMPLATE);
  const depth = DEPTH.reduce<number>((sum, z) => sum + z, 0) / DEPTH.length;
  const turned = new Float64Array(10);
  for (const [i, z] of DEPTH.entries()) {
    const [x, y] = [flat[2 * i] as number, flat[2 * i + 1] as number];
    const [across, along] = rotate(x, z - depth, yaw);
    [turned[2 * i], turned[2 * i + 1]] = [across, rotate(y, along, pitch)[0]];
  }
  return ofUnitSpread(turned);
}

function rotate(u: number, v: number, degrees: number): [number, number] {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return [u * c + v * s, v * c - u * s];
}

function ofUnitSpread(points: ArrayLike<number>): Float64Array {
  const p = centred(points);
  return p.map((v) => v / Math.sqrt(spreadOf(p)));
}
