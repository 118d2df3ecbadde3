/**
 * JPEG structure (ITU T.81 B): walks the segments and the entropy-coded data to the end-of-image
 * marker; returns the frame's size and the EXIF block of APP1.
 */

import type { RawHeader, Refuse } from './raw-header.ts';

const EOI = 0xd9;
const SOS = 0xda;
const APP1 = 0xe1;
/** No camera writes more; each costs a pass over the whole picture. */
const MAX_SCANS = 100;
/** 'Exif\0\0' */
const EXIF_PREFIX = [0x45, 0x78, 0x69, 0x66, 0, 0];

export function readJpegHeader(bytes: Uint8Array, refuse: Refuse): RawHeader {
  let [width, height, scans] = [0, 0, 0];
  let exif: Uint8Array | undefined;
  let at = 2;
  for (;;) {
    at = findMarker(bytes, at);
    const marker = bytes[at + 1];
    if (marker === EOI) break;
    const length = uint16(bytes, at + 2);
    if (marker === undefined || length < 2 || at + 2 + length > bytes.length)
      throw cutOff(refuse, at);
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (isFrame(marker)) [height, width] = [uint16(body, 1), uint16(body, 3)];
    else if (marker === APP1 && EXIF_PREFIX.every((v, i) => body[i] === v))
      exif ??= body.subarray(6);
    else if (marker === SOS && ++scans > MAX_SCANS) {
      throw refuse(`JPEG: expected at most ${MAX_SCANS} scans, got more`);
    }
    at += 2 + length;
  }
  if (scans === 0 || width === 0 || height === 0)
    throw refuse('JPEG: expected a picture, got none');
  return { width, height, exif };
}

/** The next marker at or after `at`: skips entropy-coded data, its stuffing (FF 00) and restarts. */
function findMarker(bytes: Uint8Array, at: number): number {
  for (let i = at; i < bytes.length; i++) {
    i = bytes.indexOf(0xff, i);
    if (i < 0) break;
    const next = bytes[i + 1] ?? 0;
    // FF may be repeated as fill; 01 and D0..D8 stand alone.
    const standsAlone = next === 0 || next === 1 || next === 0xff || (next >= 0xd0 && next <= 0xd8);
    if (!standsAlone) return i;
  }
  return bytes.length;
}

/** SOF0..SOF15, whose codes are shared with DHT (C4), JPG (C8) and DAC (CC). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Big endian; 0 beyond the end. */
function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function cutOff(refuse: Refuse, at: number): Error {
  return refuse(
    `JPEG: expected an end-of-image marker, got the end of the file at byte ${at}; it is cut off`,
  );
}
