/**
 * WebP structure (RFC 9649): walks the RIFF chunks to the end; returns the size stated by VP8X or by
 * the one VP8 or VP8L frame, and the EXIF chunk. Refuses animations: a face is one picture.
 */

import type { RawHeader, Refuse } from './raw-header.ts';

export function readWebpHeader(bytes: Uint8Array, refuse: Refuse): RawHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length < 12 ? 0 : 8 + view.getUint32(4, true);
  if (end < 12 || end > bytes.length) throw cutOff(refuse, end, bytes.length);
  let canvas: RawHeader | undefined;
  let frame: RawHeader | undefined;
  let exif: Uint8Array | undefined;
  for (let at = 12; at + 8 <= end; ) {
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    if (at + 8 + length > end) throw cutOff(refuse, at + 8 + length, end);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'ANIM' || type === 'ANMF') {
      throw refuse('WebP: expected one picture, got an animation; save a single frame');
    }
    if (type === 'VP8X') canvas = extendedSize(body);
    else if (type === 'VP8 ') frame ??= lossySize(body);
    else if (type === 'VP8L') frame ??= losslessSize(body);
    else if (type === 'EXIF') exif ??= body;
    at += 8 + length + (length & 1);
  }
  if (!frame) throw refuse('WebP: expected a VP8 or VP8L chunk, got none');
  const { width, height } = canvas ?? frame;
  if (width !== frame.width || height !== frame.height) {
    throw refuse(
      `WebP: expected a frame of ${width}x${height} as VP8X says, got ${frame.width}x${frame.height}`,
    );
  }
  return { width, height, exif };
}

/** 0 beyond the end, which then fails as a picture without pixels. */
function byteAt(body: Uint8Array, at: number): number {
  return body[at] ?? 0;
}

function extendedSize(body: Uint8Array): RawHeader {
  const uint24 = (at: number): number =>
    byteAt(body, at) | (byteAt(body, at + 1) << 8) | (byteAt(body, at + 2) << 16);
  return { width: uint24(4) + 1, height: uint24(7) + 1 };
}

/** Frame tag (3), start code 9d 01 2a, then 14 bits each for width and height. */
function lossySize(body: Uint8Array): RawHeader {
  const isKeyFrame = body[3] === 0x9d && body[4] === 0x01 && body[5] === 0x2a;
  const uint14 = (at: number): number => (byteAt(body, at) | (byteAt(body, at + 1) << 8)) & 0x3fff;
  return isKeyFrame ? { width: uint14(6), height: uint14(8) } : { width: 0, height: 0 };
}

/** Signature 2f, then 14 bits each for width - 1 and height - 1. */
function losslessSize(body: Uint8Array): RawHeader {
  if (body[0] !== 0x2f || body.length < 5) return { width: 0, height: 0 };
  const [b1, b2, b3, b4] = [1, 2, 3, 4].map((i) => byteAt(body, i)) as [
    number,
    number,
    number,
    number,
  ];
  return {
    width: (b1 | ((b2 & 0x3f) << 8)) + 1,
    height: ((b2 >> 6) | (b3 << 2) | ((b4 & 0x0f) << 10)) + 1,
  };
}

function cutOff(refuse: Refuse, expected: number, got: number): Error {
  return refuse(`WebP: expected ${expected} bytes, got ${got}; it is cut off`);
}
