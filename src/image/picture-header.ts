/**
 * What a picture file says about itself before it is decoded: format, size, EXIF orientation.
 * Receives the whole file; walks its structure to the end, so that a file that was cut off anywhere
 * is refused here and never reaches a decoder. Refuses everything but JPEG and PNG.
 */

import { ArcfaceError } from '../errors.ts';
import { readExifOrientation } from './exif.ts';
import { readJpegHeader } from './jpeg-header.ts';
import { describeOther } from './other-formats.ts';
import { readPngHeader } from './png-header.ts';

export interface PictureHeader {
  readonly format: 'jpeg' | 'png';
  /** As stored, before the orientation is applied. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1..8; 1 is upright. */
  readonly orientation: number;
  /** A JPEG of four inks. */
  readonly isCmyk: boolean;
  /** A JPEG whose end marker alone is missing. */
  readonly lacksEnd: boolean;
}

/** 64 megapixels: 256 MB of RGBA. */
const MAX_PIXELS = 64 * 2 ** 20;
/** The decoder of CMYK is plain JavaScript: it takes a microsecond and 40 bytes a pixel. */
const MAX_CMYK_PIXELS = 4 * 2 ** 20;
/** A JPEG spends at least a bit on each block of 64 pixels. */
const MAX_PIXELS_PER_BYTE = 8 * 64;

const READERS = { jpeg: readJpegHeader, png: readPngHeader } as const;

export function readPictureHeader(bytes: Uint8Array, name: string): PictureHeader {
  const format = detectFormat(bytes);
  if (!format) {
    throw bad(
      name,
      `expected a JPEG or PNG picture, got ${describeOther(bytes) ?? startOf(bytes)}`,
    );
  }
  const raw = READERS[format](bytes, (message) => bad(name, message));
  const { width, height, exif, isCmyk = false, lacksEnd = false } = raw;
  if (width < 1 || height < 1) {
    throw bad(name, `expected a picture with pixels, got ${width}x${height}`);
  }
  const most = isCmyk ? MAX_CMYK_PIXELS : MAX_PIXELS;
  if (width * height > most) {
    throw bad(
      name,
      `expected at most ${most} pixels${isCmyk ? ' of CMYK' : ''}, got ${width}x${height}; ` +
        `scale the picture down first${isCmyk ? ', or save it as RGB: magick in.jpg -colorspace sRGB out.jpg' : ''}`,
    );
  }
  if (format === 'jpeg' && width * height > MAX_PIXELS_PER_BYTE * bytes.length) {
    throw bad(
      name,
      `expected at least ${Math.ceil((width * height) / MAX_PIXELS_PER_BYTE)} bytes for ${width}x${height} ` +
        `pixels of JPEG, got ${bytes.length}; it is cut off`,
    );
  }
  const orientation = exif ? readExifOrientation(exif) : 1;
  return { format, width, height, orientation, isCmyk, lacksEnd };
}

function detectFormat(bytes: Uint8Array): PictureHeader['format'] | undefined {
  const starts = (...expected: number[]): boolean => expected.every((v, i) => bytes[i] === v);
  if (starts(0xff, 0xd8, 0xff)) return 'jpeg';
  return starts(0x89, 0x50, 0x4e, 0x47) ? 'png' : undefined;
}

function startOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const hex = Array.from(bytes.subarray(0, 8), (v) => v.toString(16).padStart(2, '0')).join(' ');
  return `${bytes.length} bytes that start with ${hex}`;
}

function bad(name: string, message: string): ArcfaceError {
  return new ArcfaceError('bad_picture', `${name}: ${message}`);
}
