/**
 * A picture file to upright RGBA pixels: JPEG or PNG. Receives the whole file; refuses, as
 * 'bad_picture', what is no picture, is cut off or damaged, is transparent throughout, or has more than 64
 * megapixels. The decoders (codecs.ts) are loaded on first use.
 */

import { ArcfaceError } from '../errors.ts';
import { applyOrientation } from './exif.ts';
import { type PictureHeader, readPictureHeader } from './picture-header.ts';

export interface DecodedPicture {
  /**
   * RGBA rows from the top. Alpha is as stored; alignment and the network ignore it: colours count as they
   * are stored, and are laid over nothing, as OpenCV and Pillow's convert('RGB') have it.
   */
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 'rgba';
}

/** Decodes a whole JPEG or PNG file, EXIF orientation applied. `name` is for messages. */
export async function decodePicture(bytes: Uint8Array, name = 'picture'): Promise<DecodedPicture> {
  const header = readPictureHeader(bytes, name);
  const stored = await decodeStored(bytes, header).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ArcfaceError(
      'bad_picture',
      `${name}: expected a readable ${header.format} picture, the decoder says: ${reason}`,
      { cause },
    );
  });
  if (stored.width !== header.width || stored.height !== header.height) {
    throw new ArcfaceError(
      'bad_picture',
      `${name}: expected ${header.width}x${header.height} as its header says, got ${stored.width}x${stored.height}`,
    );
  }
  if (isTransparent(stored.data)) {
    throw new ArcfaceError(
      'bad_picture',
      `${name}: expected a picture with something to see, got one that is transparent throughout; ` +
        'save it without transparency',
    );
  }
  return { ...applyOrientation(stored, header.orientation), channels: 'rgba' };
}

type Stored = Pick<DecodedPicture, 'data' | 'width' | 'height'>;

async function decodeStored(bytes: Uint8Array, header: PictureHeader): Promise<Stored> {
  const codecs = await import('./codecs.ts');
  if (header.format === 'png') return codecs.decodePng(bytes);
  const file = header.lacksEnd ? withEnd(bytes) : bytes;
  return header.isCmyk ? codecs.decodeCmykJpeg(file) : codecs.decodeJpeg(file, header.lacksEnd);
}

/** Its end marker alone is missing; where data are missing too, the decoder says so. */
function withEnd(jpeg: Uint8Array): Uint8Array {
  const whole = new Uint8Array(jpeg.length + 2);
  whole.set(jpeg);
  whole.set([0xff, 0xd9], jpeg.length);
  return whole;
}

/** Ends at the first pixel that can be seen. */
function isTransparent(rgba: Uint8ClampedArray): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 0) return false;
  return true;
}
