/**
 * JPEG structure (ITU T.81 B): walks the segments and the entropy-coded data to the end-of-image marker;
 * returns the frame's size, its colours and the EXIF block of APP1. Where the file ends without that marker,
 * all that a picture needs must have been announced before (`jpeg-scans.ts`); whether the last scan is
 * whole, the decoder says.
 */

import { JpegScans } from './jpeg-scans.ts';
import type { RawHeader, Refuse } from './raw-header.ts';

const EOI = 0xd9;
const SOS = 0xda;
const APP1 = 0xe1;
const APP14 = 0xee;
/** No camera writes more; each costs a pass over the whole picture. */
const MAX_SCANS = 100;
const EXIF = 'Exif\0\0';
const ADOBE = 'Adobe';

export function readJpegHeader(bytes: Uint8Array, refuse: Refuse): RawHeader {
  let frame: Uint8Array | undefined;
  let exif: Uint8Array | undefined;
  let isAdobe = false;
  const scans = new JpegScans();
  let at = findMarker(bytes, 2);
  for (; at < bytes.length && bytes[at + 1] !== EOI; at = findMarker(bytes, at)) {
    const length = uint16(bytes, at + 2);
    if (length < 2 || at + 2 + length > bytes.length) throw cutOff(refuse, at);
    const body = bytes.subarray(at + 4, at + 2 + length);
    const marker = bytes[at + 1] as number;
    if (isFrame(marker)) frame = body;
    else if (marker === APP1 && startsWith(body, EXIF)) exif ??= body.subarray(EXIF.length);
    else if (marker === APP14 && startsWith(body, ADOBE)) isAdobe = true;
    else if (marker === SOS && scans.add(body) > MAX_SCANS) {
      throw refuse(`JPEG: expected at most ${MAX_SCANS} scans, got more`);
    }
    at += 2 + length;
  }
  const lacksEnd = at >= bytes.length;
  if (lacksEnd && (frame === undefined || !scans.isComplete(frame))) throw cutOff(refuse, at);
  const [height, width] = [uint16(frame, 1), uint16(frame, 3)];
  if (scans.count === 0 || width === 0 || height === 0) {
    throw refuse('JPEG: expected a picture, got none');
  }
  return { width, height, exif, isCmyk: isFourInks(frame, isAdobe, refuse), lacksEnd };
}

/** Adobe's marker says that inks are stored inverted; without it nobody can know. */
function isFourInks(frame: Uint8Array | undefined, isAdobe: boolean, refuse: Refuse): boolean {
  if (frame?.[5] !== 4) return false;
  if (isAdobe) return true;
  throw refuse(
    "JPEG: expected three colours, or four inks with Adobe's marker, got four without it, which may be " +
      'inverted or not; save the picture as RGB: magick in.jpg -colorspace sRGB out.jpg',
  );
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

function startsWith(body: Uint8Array, text: string): boolean {
  return Array.from(text).every((char, i) => body[i] === char.charCodeAt(0));
}

/** Big endian; 0 beyond the end. */
function uint16(bytes: Uint8Array | undefined, at: number): number {
  return ((bytes?.[at] ?? 0) << 8) | (bytes?.[at + 1] ?? 0);
}

function cutOff(refuse: Refuse, at: number): Error {
  return refuse(
    `JPEG: expected an end-of-image marker, got the end of the file at byte ${at}; it is cut off`,
  );
}
