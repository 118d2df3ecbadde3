/**
 * One face as the caller has it, written as the network's input. Receives an aligned 112x112 crop in
 * any of the accepted forms, raw values 0..255; writes NHWC f32 with a channel stride of 4. Refuses
 * other sizes, wrong lengths, unknown channel orders and values that are not finite.
 *
 *   pixel 0         pixel 1         ...      lane 3 is always 0
 *   c0 c1 c2 0    | c0 c1 c2 0    |
 */

import { describe, typedArrayName } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';

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

/**
 * Writes `face` as [112, 112, 4] f32 in channel `order`, mirrored left to right when `flip`.
 * Throws ArcfaceError 'bad_picture'; `into` holds unspecified values after that.
 */
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
  if (typeof face !== 'object' || face === null) throw notAFace(face);
  const { layout } = face as { layout?: unknown };
  if (layout === undefined) writePixels(face as Partial<PixelFace>, into, order, flip);
  else if (layout === 'nchw') writePlanes(face as Partial<NchwFace>, into, order, flip);
  else {
    throw bad(
      `face.layout: expected 'nchw' or none, got ${describe(layout)}; leave it out for interleaved pixels`,
    );
  }
}

function writePixels(
  face: Partial<ImageDataLike | PixelFace>,
  into: Float32Array,
  order: ChannelOrder,
  flip: boolean,
): void {
  const { data, width, height } = face;
  const kind = typedArrayName(data);
  if (kind !== 'Uint8Array' && kind !== 'Uint8ClampedArray' && kind !== 'Float32Array') {
    if (data === undefined) throw notAFace(face);
    throw bad(
      `face.data: expected a Uint8Array, Uint8ClampedArray or Float32Array, got ${describe(data)}`,
    );
  }
  if (width !== FACE_SIZE || height !== FACE_SIZE) {
    throw bad(
      `face: expected a ${FACE_SIZE}x${FACE_SIZE} crop, got ${describe(width)}x${describe(height)}; ` +
        'align the face first, for example with alignFace(picture, landmarks)',
    );
  }
  const samples = data as Samples;
  const { step, red } = pixelFormat(face.channels, kind, samples.length, PIXELS, 'face');
  const first = order === 'rgb' ? red : 2 - red;
  if (samples.length !== PIXELS * step) {
    throw bad(
      `face.data: expected ${PIXELS * step} values (112 x 112 x ${step}), got ${samples.length}; ` +
        'pass whole rows without padding',
    );
  }
  copySamples(samples, into, step, first, 1, 2 - first, flip);
  if (kind === 'Float32Array') refuseNonFinite(samples, into);
}

function writePlanes(
  face: Partial<NchwFace>,
  into: Float32Array,
  order: ChannelOrder,
  flip: boolean,
): void {
  const { data, channels } = face;
  if (typedArrayName(data) !== 'Float32Array') {
    throw bad(`face.data: expected a Float32Array with layout 'nchw', got ${describe(data)}`);
  }
  const samples = data as Float32Array;
  if (channels !== 'rgb' && channels !== 'bgr') {
    throw bad(
      `face.channels: expected 'rgb' or 'bgr' with layout 'nchw', got ${describe(channels)}`,
    );
  }
  if (samples.length !== PIXELS * 3) {
    throw bad(
      `face.data: expected ${PIXELS * 3} values (1 x 3 x 112 x 112), got ${samples.length}; ` +
        'align the face to 112x112 first',
    );
  }
  const first = channels === order ? 0 : 2 * PIXELS;
  copySamples(samples, into, 1, first, PIXELS, 2 * PIXELS - first, flip);
  refuseNonFinite(samples, into);
}

/** Sample `pixel * step + offset` of each of the three lanes; serves interleaved pixels and planes. */
function copySamples(
  samples: Samples,
  into: Float32Array,
  step: number,
  offset0: number,
  offset1: number,
  offset2: number,
  flip: boolean,
): void {
  for (let y = 0; y < FACE_SIZE; y++) {
    let from = (flip ? y * FACE_SIZE + FACE_SIZE - 1 : y * FACE_SIZE) * step;
    const advance = flip ? -step : step;
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

function refuseNonFinite(samples: Samples, copied: Float32Array): void {
  let sum = 0;
  // v * 0 is NaN for NaN and both infinities: one test for the whole picture.
  for (let i = 0; i < FACE_INPUT_LENGTH; i++) sum += (copied[i] as number) * 0;
  if (sum === 0) return;
  const at = samples.findIndex((v) => !Number.isFinite(v));
  throw bad(`face.data[${at}]: expected a finite value from 0 to 255, got ${samples[at]}`);
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

function notAFace(got: unknown): ArcfaceError {
  return bad(
    `face: expected ImageData, { data, width: 112, height: 112, channels } or ` +
      `{ data, layout: 'nchw', channels }, got ${describe(got)}`,
  );
}

function bad(message: string): ArcfaceError {
  return new ArcfaceError('bad_picture', message);
}
