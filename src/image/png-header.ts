/**
 * PNG structure (W3C PNG, third edition): walks the chunks to IEND and checks each CRC, which the
 * decoder leaves out; returns IHDR's size and the eXIf chunk.
 */

import type { RawHeader, Refuse } from './raw-header.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export function readPngHeader(bytes: Uint8Array, refuse: Refuse): RawHeader {
  if (!SIGNATURE.every((v, i) => bytes[i] === v)) {
    throw refuse(
      'PNG: expected its 8-byte signature, got another; the file was changed in transfer',
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [width, height, hasData] = [0, 0, false];
  let exif: Uint8Array | undefined;
  for (let at = 8, end = 0; ; at = end) {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : 0;
    end = at + 12 + length;
    if (at + 12 > bytes.length || end > bytes.length) {
      throw refuse(
        `PNG: expected a chunk of ${12 + length} bytes at ${at}, got ${bytes.length - at}; it is cut off`,
      );
    }
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw refuse(
        `PNG: expected chunk ${type} at byte ${at} to match its CRC, it does not; the file is damaged`,
      );
    }
    if ((type === 'IHDR') !== (at === 8) || (type === 'IHDR' && length !== 13)) {
      throw refuse(
        `PNG: expected IHDR of 13 bytes first and once, got ${type} of ${length} at byte ${at}`,
      );
    }
    if (type === 'IHDR') [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    else if (type === 'IDAT') hasData = true;
    else if (type === 'eXIf') exif = bytes.subarray(at + 8, end - 4);
    else if (type === 'IEND') break;
  }
  if (!hasData) throw refuse('PNG: expected an IDAT chunk, got none');
  return { width, height, exif };
}

/** CRC-32 (ISO 3309), one table look-up per byte. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 255] as number);
  return ~crc >>> 0;
}

const CRC_TABLE = /* @__PURE__ */ Int32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});
