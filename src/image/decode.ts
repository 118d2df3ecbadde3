/**
 * A picture file to upright RGBA pixels: JPEG, PNG or WebP. Receives the whole file; refuses, as
 * 'bad_picture', what is no picture, is cut off or damaged, or has more than 64 megapixels. The
 * decoders (codecs.ts) are loaded on first use.
 */

import { ArcfaceError } from '../errors.ts';
import { applyOrientation } from './exif.ts';
import { readPictureHeader } from './picture-header.ts';

export interface DecodedPicture {
  /** RGBA rows from the top. Alpha is as stored; alignment and the network ignore it. */
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 'rgba';
}

/** Decodes a whole JPEG, PNG or WebP file, EXIF orientation applied. `name` is for messages. */
export async function decodePicture(bytes: Uint8Array, name = 'picture'): Promise<DecodedPicture> {
  const header = readPictureHeader(bytes, name);
  const codecs = await import('./codecs.ts');
  const decode = { jpeg: codecs.decodeJpeg, png: codecs.decodePng, webp: codecs.decodeWebp }[
    header.format
  ];
  const stored = await decode(bytes).catch((cause: unknown) => {
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
  return { ...applyOrientation(stored, header.orientation), channels: 'rgba' };
}
