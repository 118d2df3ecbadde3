/**
 * One face as the caller has it, written as the network's input. Receives an aligned 112x112 crop in
 * any of the accepted forms, raw values 0..255; writes NHWC f32 with a channel stride of 4. Refuses
 * other sizes, wrong lengths, unknown channel orders, and floats outside 0..255 or normalised.
 *
 *   pixel 0         pixel 1         ...      lane 3 is always 0
 *   c0 c1 c2 0    | c0 c1 c2 0    |
 */

import { describe, typedArrayLength, typedArrayName } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';
import { guarded } from '../guard.ts';
import { nearest } from '../nearest.ts';

/** Side of the crop in pixels. */
export const FACE_SIZE = 112;
const PIXELS = FACE_SIZE * FACE_SIZE;
/** Elements of the network's input: 112 x 112 x 4. */
export const FACE_INPUT_LENGTH = PIXELS * 4;

export type ChannelOrder = 'rgb' | 'bgr';
export type PixelChannels = 'rgb' | 'bgr' | 'rgba' | 'bgra';

/** What canvas gives: RGBA bytes, no `channels`. Also describes a DOM `ImageData`. */
export interface ImageDataLike {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels?: undefined;
  readonly layout?: undefined;
}

/** Interleaved pixels, rows from the top, no padding. Alpha is ignored. */
export interface PixelFace {
  readonly data: Uint8Array | Uint8ClampedArray | Float32Array;
  readonly width: number;
  readonly height: number;
  readonly channels: PixelChannels;
  readonly layout?: undefined;
}

/** Planes [1, 3, 112, 112], raw values 0..255. */
export interface NchwFace {
  readonly data: Float32Array;
  readonly layout: 'nchw';
  readonly channels: ChannelOrder;
}

/** An aligned 112x112 face, raw values 0..255: mean and scale are part of the model. */
export type Face = ImageDataLike | PixelFace | NchwFace;

type Samples = Uint8Array | Uint8ClampedArray | Float32Array;

/** Samples per pixel and where red stands, per channel order. */
export const PIXEL_FORMATS: Readonly<Record<PixelChannels, { step: number; red: 0 | 2 }>> = {
  rgb: { step: 3, red: 0 },
  bgr: { step: 3, red: 2 },
  rgba: { step: 4, red: 0 },
  bgra: { step: 4, red: 2 },
};

/** A face that was checked: a copy of its samples, and where in them the network's channels are. */
export interface CheckedFace {
  readonly samples: Samples;
  /** Samples from one pixel to the next. */
  readonly step: number;
  /** First sample of each channel, in the network's order. */
  readonly offsets: readonly [number, number, number];
}

/**
 * Checks `face` in full and copies its samples: later changes of the caller's data change nothing.
 * `order` is the network's, `where` names the face in messages. Throws ArcfaceError 'bad_picture'.
 */
export function checkFace(face: unknown, order: ChannelOrder, where = 'face'): CheckedFace {
  if (typeof face !== 'object' || face === null) throw notAFace(face, where);
  const fields = readFields(face, where);
  const { data, layout } = fields;
  if (data === undefined && layout === undefined) throw notAFace(face, where);
  if (layout === undefined) return checkPixels(fields, order, where);
  if (layout === 'nchw') return checkPlanes(fields, order, where);
  throw bad(
    `${where}.layout: expected 'nchw' or none, got ${describe(layout)}; leave it out for interleaved pixels`,
  );
}

/** Writes a checked face as [112, 112, 4] f32, mirrored left to right when `flip`. */
export function writeChecked(face: CheckedFace, into: Float32Array, flip: boolean): void {
  const { samples, step } = face;
  const [offset0, offset1, offset2] = face.offsets;
  const advance = flip ? -step : step;
  for (let y = 0; y < FACE_SIZE; y++) {
    let from = (flip ? y * FACE_SIZE + FACE_SIZE - 1 : y * FACE_SIZE) * step;
    const rowEnd = (y + 1) * FACE_SIZE * 4;
    for (let to = y * FACE_SIZE * 4; to < rowEnd; to += 4) {
      into[to] = samples[from + offset0] as number;
      into[to + 1] = samples[from + offset1] as number;
      into[to + 2] = samples[from + offset2] as number;
      into[to + 3] = 0;
      from += advance;
    }
  }
}

/** `checkFace` and `writeChecked` in one; `into` is untouched where the face is refused. */
export function writeFace(
  face: unknown,
  into: Float32Array,
  order: ChannelOrder,
  flip: boolean,
): void {
  if (into.length !== FACE_INPUT_LENGTH) {
    throw new ArcfaceError(
      'bad_argument',
      `writeFace: expected room for ${FACE_INPUT_LENGTH} values, got ${into.length}`,
    );
  }
  writeChecked(checkFace(face, order), into, flip);
}

/** What a face or a picture says of itself. */
export interface PictureFields {
  readonly data: unknown;
  readonly width: unknown;
  readonly height: unknown;
  readonly channels: unknown;
  readonly layout: unknown;
}

/** Properties of `picture`, each read once: behind them may be code of the caller's. */
export function readFields(picture: object, where: string): PictureFields {
  return guarded('bad_picture', where, () => {
    const { data, width, height, channels, layout } = picture as PictureFields;
    if (channels === undefined) refuseMisspelt(Object.keys(picture), where);
    return { data, width, height, channels, layout };
  });
}

/** Bytes without `channels` may be taken for RGBA: `channel: 'bgra'` must not be passed over. */
function refuseMisspelt(keys: readonly string[], where: string): void {
  for (const key of keys) {
    if (FIELDS.includes(key)) continue;
    const meant = nearest(key, FIELDS);
    if (meant === 'channels') throw bad(`${where}: got "${key}"; did you mean ${meant}?`);
  }
}

const FIELDS = ['data', 'width', 'height', 'channels', 'layout'];

function checkPixels(fields: PictureFields, order: ChannelOrder, where: string): CheckedFace {
  const { data, width, height, channels } = fields;
  const kind = typedArrayName(data);
  if (kind !== 'Uint8Array' && kind !== 'Uint8ClampedArray' && kind !== 'Float32Array') {
    throw bad(
      `${where}.data: expected a Uint8Array, Uint8ClampedArray or Float32Array, got ${describe(data)}`,
    );
  }
  if (width !== FACE_SIZE || height !== FACE_SIZE) {
    throw bad(
      `${where}: expected a ${FACE_SIZE}x${FACE_SIZE} crop, got ${describe(width)}x${describe(height)}; ` +
        'align the face first, for example with alignFace(picture, landmarks)',
    );
  }
  const samples = data as Samples;
  const length = typedArrayLength(samples);
  const { step, red } = pixelFormat(channels, kind, length, PIXELS, where);
  if (length !== PIXELS * step) {
    throw bad(
      `${where}.data: expected ${PIXELS * step} values (112 x 112 x ${step}), got ${length}; ` +
        'pass whole rows without padding',
    );
  }
  const first = order === 'rgb' ? red : 2 - red;
  const offsets = [first, 1, 2 - first] as const;
  if (kind !== 'Float32Array') return { samples: new Uint8Array(samples), step, offsets };
  return refuseOutOfRange({ samples: new Float32Array(samples), step, offsets }, where);
}

function checkPlanes(fields: PictureFields, order: ChannelOrder, where: string): CheckedFace {
  const { data, channels } = fields;
  if (typedArrayName(data) !== 'Float32Array') {
    throw bad(`${where}.data: expected a Float32Array with layout 'nchw', got ${describe(data)}`);
  }
  if (channels !== 'rgb' && channels !== 'bgr') {
    throw bad(
      `${where}.channels: expected 'rgb' or 'bgr' with layout 'nchw', got ${describe(channels)}`,
    );
  }
  const samples = data as Float32Array;
  const length = typedArrayLength(samples);
  if (length !== PIXELS * 3) {
    throw bad(
      `${where}.data: expected ${PIXELS * 3} values (1 x 3 x 112 x 112), got ${length}; ` +
        'align the face to 112x112 first',
    );
  }
  const first = channels === order ? 0 : 2 * PIXELS;
  const offsets = [first, PIXELS, 2 * PIXELS - first] as const;
  return refuseOutOfRange({ samples: new Float32Array(samples), step: 1, offsets }, where);
}

/** Interpolation may overshoot 0..255 by a fraction; more means values that are scaled otherwise. */
const LOWEST = -1;
const HIGHEST = 256;

/**
 * Values of -1..1 that are not whole are those of a face that was normalised already: the network
 * would see black. Whole ones are a face that is black.
 */
function refuseOutOfRange(face: CheckedFace, where: string): CheckedFace {
  const { samples, step, offsets } = face;
  let [isDark, isWhole] = [true, true];
  for (const offset of offsets) {
    const end = offset + PIXELS * step;
    for (let at = offset; at < end; at += step) {
      const value = samples[at] as number;
      // Also false for NaN.
      if (!(value >= LOWEST && value <= HIGHEST)) throw outOfRange(where, at, value);
      if (value > 1) isDark = false;
      else if (value % 1 !== 0) isWhole = false;
    }
  }
  if (!isDark || isWhole) return face;
  throw bad(
    `${where}.data: expected raw values from 0 to 255, got none above 1; ` +
      'pass pixels as they are: mean and scale are part of the weights',
  );
}

function outOfRange(where: string, at: number, value: number): ArcfaceError {
  return bad(
    `${where}.data[${at}]: expected raw values from 0 to 255, got ${value}; ` +
      'pass pixels as they are: mean and scale are part of the weights',
  );
}

/**
 * Samples per pixel and the place of red. Without `channels` only the form of ImageData is
 * unambiguous: clamped bytes, four per pixel.
 */
export function pixelFormat(
  channels: unknown,
  kind: string | undefined,
  length: number,
  pixels: number,
  where: string,
): { step: number; red: 0 | 2 } {
  if (channels === undefined) {
    if (kind === 'Uint8ClampedArray' && length === pixels * 4) return PIXEL_FORMATS.rgba;
    throw bad(
      `${where}.channels: expected 'rgb', 'bgr', 'rgba' or 'bgra', got nothing; ` +
        'say the order of the channels (only ImageData may leave it out)',
    );
  }
  if (typeof channels === 'string' && Object.hasOwn(PIXEL_FORMATS, channels)) {
    return PIXEL_FORMATS[channels as PixelChannels];
  }
  throw bad(
    `${where}.channels: expected 'rgb', 'bgr', 'rgba' or 'bgra', got ${describe(channels)}`,
  );
}

function notAFace(got: unknown, where: string): ArcfaceError {
  return bad(
    `${where}: expected ImageData, { data, width: 112, height: 112, channels } or ` +
      `{ data, layout: 'nchw', channels }, got ${describe(got)}`,
  );
}

function bad(message: string): ArcfaceError {
  return new ArcfaceError('bad_picture', message);
}
