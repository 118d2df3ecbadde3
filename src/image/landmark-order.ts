/**
 * Are five points in the order and the units that alignment expects? Receives x1, y1, ..., x5, y5;
 * returns nothing. Refuses points that coincide or lie on a line, and points in another order: with the
 * name of the order that they look like, and what to do.
 *
 * The rule, and what it accepts and refuses of simulated and of real faces: docs/alignment.md. In short,
 * points are those of a face when a similarity of one of the template's views explains at least 88 % of
 * their spread. Of faces in the right order 99.9 % pass, profiles and any roll included (99.99 % of those
 * turned less than 60 degrees); of lists in the order of MTCNN 99.9 % are refused, half of them by that
 * rule and half because they look like a face when they are read in MTCNN's order, which a right list does
 * once in two thousand.
 */

import { ArcfaceError } from '../errors.ts';
import { bestView, frontView } from './face-views.ts';
import { centred, spreadOf, sumOfProducts, TEMPLATE } from './fit.ts';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** A face of 2 pixels: the root mean square distance of the points from their mean is 1. */
const MIN_SPREAD = 5;
/** Points whose width is below about 2 % of their length lie on a line; a profile stays above 10 %. */
const MAX_LINEARITY = 0.999;
/** Share of the points' spread that the best view explains; of faces it is 0.99 in the median. */
const MIN_EXPLAINED = 0.88;

/** A way in which lists of five points are wrong. */
interface Order {
  readonly name: string;
  readonly remedy: string;
  /** Number k of the right list is number `places[k]` of the given one. */
  readonly places: readonly number[];
  readonly rule: Rule;
}

/** When a list that looks like a face as it is, and in another order, too, is taken to be in that order. */
interface Rule {
  /** What the best view must explain of the reordered points. */
  readonly least: number;
  /** By how much more than of the points as they are; -1: whatever it explains of these. */
  readonly lead: number;
  /** The reordered face must also be the one that is more frontal. */
  readonly isFrontal: boolean;
}

/** By chance, hardly any right list looks like a face when it is read in these orders. */
const FLAT: Rule = { least: 0.93, lead: -1, isFrontal: false };
/** A face whose points are exchanged resembles one still; in profile left and right are close together. */
const EXCHANGED: Rule = { least: MIN_EXPLAINED, lead: 0.01, isFrontal: true };

/** Places of whole points: point k of the right list is point `points[k]` of the given one. */
const moved = (...points: number[]): number[] => points.flatMap((k) => [2 * k, 2 * k + 1]);

const PAIRS = 'write them as x1, y1, x2, y2, ...';
const NAMED = 'left and right eye, nose, left and right mouth corner, as the viewer sees them';

const FLAT_ORDERS: readonly Order[] = [
  {
    name: "all x first, then all y (MTCNN's flat form)",
    remedy: PAIRS,
    places: [0, 5, 1, 6, 2, 7, 3, 8, 4, 9],
    rule: FLAT,
  },
  {
    name: 'all y first, then all x',
    remedy: PAIRS,
    places: [5, 0, 6, 1, 7, 2, 8, 3, 9, 4],
    rule: FLAT,
  },
];

const EXCHANGED_ORDERS: readonly Order[] = [
  {
    name: 'the mouth corners before the nose',
    remedy: `the order is ${NAMED}`,
    places: moved(0, 1, 4, 2, 3),
    rule: EXCHANGED,
  },
  {
    name: 'the nose before the eyes',
    remedy: `the order is ${NAMED}`,
    places: moved(1, 2, 0, 3, 4),
    rule: EXCHANGED,
  },
  {
    name: "the mouth corners before the nose, and the person's left first",
    remedy: `the order is ${NAMED}`,
    places: moved(1, 0, 4, 3, 2),
    rule: EXCHANGED,
  },
  {
    name: "the nose before the eyes, and the person's left first",
    remedy: `the order is ${NAMED}`,
    places: moved(2, 1, 0, 4, 3),
    rule: EXCHANGED,
  },
  {
    name: 'the two eyes swapped, or mirrored',
    remedy: 'swap points 1 and 2',
    places: moved(1, 0, 2, 3, 4),
    rule: EXCHANGED,
  },
  {
    name: 'the two mouth corners swapped, or mirrored',
    remedy: 'swap points 4 and 5',
    places: moved(0, 1, 2, 4, 3),
    rule: EXCHANGED,
  },
];

/** A mirrored face: three mistakes have this one shape, and `nameMirrored` tells them apart. */
const MIRRORED: Order = {
  name: 'mirrored',
  remedy: '',
  places: moved(1, 0, 2, 4, 3),
  rule: EXCHANGED,
};

/** Throws ArcfaceError 'bad_argument' unless `points` are five points of a face in the right order. */
export function checkOrder(points: Float64Array, picture: PictureSize): void {
  const p = centred(points);
  refusePoint(points, p, picture);
  const rivals = [...FLAT_ORDERS, ...EXCHANGED_ORDERS, MIRRORED].map((order) => ({
    order,
    p: centred(order.places.map((place) => points[place] as number)),
  }));
  const view = bestView(p);
  if (view < MIN_EXPLAINED || isLine(p)) throw wrongOrder(p, likeliest(rivals));
  const front = frontView(p);
  const better = rivals.filter(({ order: { rule }, p: reordered }) => {
    if (rule.isFrontal && frontView(reordered) <= front) return false;
    const other = bestView(reordered);
    return other >= rule.least && other > view + rule.lead;
  });
  if (better.length > 0) throw wrongOrder(p, likeliest(better));
}

/** How much like a face `points` are in the right order, 0 (not at all) to 1. Nothing is refused. */
export function faceLikeness(points: Float64Array): number {
  const p = centred(points);
  const view = spreadOf(p) >= MIN_SPREAD ? bestView(p) : 0;
  return view >= MIN_EXPLAINED ? (2 * view + frontView(p)) / 3 : 0;
}

interface Rival {
  readonly order: Order;
  /** The reordered points, centred. */
  readonly p: Float64Array;
}

/** The order that makes the best face: explained by a view, rather a frontal one; of MTCNN's kind first. */
function likeliest(rivals: readonly Rival[]): Order | undefined {
  const scores = rivals.map(({ order, p }) => {
    const view = bestView(p);
    if (view < order.rule.least) return { order, score: 0 };
    return { order, score: 2 * view + frontView(p) + (FLAT_ORDERS.includes(order) ? 1 : 0) };
  });
  const [best] = scores.sort((a, b) => b.score - a.score);
  return best && best.score > 0 ? best.order : undefined;
}

function refusePoint(points: Float64Array, p: Float64Array, picture: PictureSize): void {
  if (spreadOf(p) >= MIN_SPREAD) return;
  throw points.every((v) => v >= -0.5 && v <= 1.5)
    ? bad(
        'landmarks: expected pixels of the picture, got numbers from 0 to 1, which look like shares of its ' +
          `size; multiply relative ones: x by the width ${picture.width}, y by the height ${picture.height}`,
      )
    : bad(
        'landmarks: expected the five points of a face in pixels of the picture, got points within a ' +
          'pixel of each other',
      );
}

/** |sum(p p)| is 0 for a round cloud, and equal to the spread for points on a line. */
function isLine(p: Float64Array): boolean {
  return Math.hypot(...sumOfProducts(p, p, 1)) > MAX_LINEARITY * spreadOf(p);
}

function wrongOrder(p: Float64Array, order: Order | undefined): ArcfaceError {
  if (order === undefined && isLine(p)) {
    return bad('landmarks: expected the five points of a face, got points on one line');
  }
  if (order === undefined) {
    return bad(
      `landmarks: expected x1, y1, x2, y2, ... of ${NAMED}, got points that are not arranged like a face`,
    );
  }
  const { name, remedy } = order === MIRRORED ? nameMirrored(p) : order;
  return bad(`landmarks: expected x1, y1, x2, y2, ... of ${NAMED}, got ${name}; ${remedy}`);
}

/**
 * A list that is mirrored is one of three, and as geometry they are the same up to a turn. The turn of
 * the best mirrored similarity names the one that makes the face upright:
 *
 *   q = c conj(p):   p = conj(q), y upwards: 0 degrees    p = i conj(q), y before x: 90    swapped: 180
 */
function nameMirrored(p: Float64Array): { name: string; remedy: string } {
  const [re, im] = sumOfProducts(centred(TEMPLATE), p, 1);
  if (re > Math.abs(im)) {
    return {
      name: 'them mirrored',
      remedy: 'use height - y: y seems to be counted upwards, and is to be counted from the top',
    };
  }
  if (im > Math.abs(re)) {
    return { name: 'them mirrored', remedy: 'swap x and y: y seems to stand before x' };
  }
  return {
    name: 'them mirrored',
    remedy: "swap points 1 and 2, and points 4 and 5: the person's left seems to stand first",
  };
}

function bad(message: string): ArcfaceError {
  return new ArcfaceError('bad_argument', message);
}
