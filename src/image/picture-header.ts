/**
 * What a picture file says about itself before it is decoded: format, size, EXIF orientation.
 * Receives the whole file; walks its structure to the end, so that a file that was cut off anywhere
 * is refused here and never reaches a decoder. Refuses everything but JPEG, PNG and still WebP.
 */

import { ArcfaceError } from '../errors.ts';
import { readExifOrientation } from './exif.ts';
import { readJpegHeader } from './jpeg-header.ts';
import { readPngHeader } from './png-header.ts';
import { readWebpHeader } from './webp-header.ts';

export interface PictureHeader {
  readonly format: 'jpeg' | 'png' | 'webp';
  /** As stored, before the orientation is applied. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1..8; 1 is upright. */
  readonly orientation: number;
}

/** 64 megapixels: 256 MB of RGBA. */
const MAX_PIXELS = 64 * 2 ** 20;

const READERS = { jpeg: readJpegHeader, png: readPngHeader, webp: readWebpHeader } as const;

export function readPictureHeader(bytes: Uint8Array, name: string): PictureHeader {
  const format = detectFormat(bytes);
  if (!format) throw bad(name, `expected a JPEG, PNG or WebP picture, got ${startOf(bytes)}`);
  const raw = READERS[format](bytes, (message) => bad(name, message));
  const { width, height, exif } = raw;
  if (width < 1 || height < 1) {
    throw bad(name, `expected a picture with pixels, got ${width}x${height}`);
  }
  if (width * height > MAX_PIXELS) {
    throw bad(
      name,
      `expected at most ${MAX_PIXELS} pixels, got ${width}x${height}; scale the picture down first`,
    );
  }
  return { format, width, height, orientation: exif ? readExifOrientation(exif) : 1 };
}

function detectFormat(bytes: Uint8Array): PictureHeader['format'] | undefined {
  const starts = (...expected: number[]): boolean => expected.every((v, i) => bytes[i] === v);
  if (starts(0xff, 0xd8, 0xff)) return 'jpeg';
  if (starts(0x89, 0x50, 0x4e, 0x47)) return 'png';
  const isWebp = [0x57, 0x45, 0x42, 0x50].every((v, i) => bytes[8 + i] === v);
  return starts(0x52, 0x49, 0x46, 0x46) && isWebp ? 'webp' : undefined;
}

function startOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const hex = Array.from(bytes.subarray(0, 8), (v) => v.toString(16).padStart(2, '0')).join(' ');
  return `${bytes.length} bytes that start with ${hex}`;
}

function bad(name: string, message: string): ArcfaceError {
  return new ArcfaceError('bad_picture', `${name}: ${message}`);
}
