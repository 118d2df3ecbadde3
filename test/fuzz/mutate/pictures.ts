/**
 * Damage to pictures that the checks of their containers do not see: PNG chunks with the right CRC, JPEG
 * segments with the right lengths, so that decoders get what a checksum would catch; heads of other formats.
 */

import { crc32, deflateSync, inflateSync } from 'node:zlib';
import type { Random } from '../../support/graphs.ts';
import { mutateBytes } from './bytes.ts';
import { below, bigEndian, chance, joinBytes, type Mutator, pick } from './choose.ts';

interface Piece {
  /** Type of a chunk, marker of a segment. */
  head: Uint8Array;
  body: Uint8Array;
}

/** Sizes that are small, equal to none, or more than anybody decodes. */
const SIDES = [0n, 1n, 2n, 16n, 112n, 113n, 8192n, 16_383n, 16_384n, 65_535n, 2n ** 31n - 1n];

/** Dropped, repeated, moved or changed; `odd`: pieces that the format knows and this picture lacks. */
function changePieces(pieces: Piece[], random: Random, odd: readonly Piece[]): void {
  const at = below(random, pieces.length);
  const piece = pieces[at] as Piece;
  const kind = below(random, 6);
  if (kind === 0) pieces.splice(at, 1);
  else if (kind === 1) pieces.splice(at, 0, ...Array<Piece>(pick(random, [1, 2, 120])).fill(piece));
  else if (kind === 2) pieces.splice(below(random, pieces.length), 0, ...pieces.splice(at, 1));
  else if (kind === 3 && odd.length > 0) pieces.splice(at, 0, { ...pick(random, odd) });
  else pieces[at] = { ...piece, body: mutateBytes(piece.body, random) };
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

const PNG_SIGNATURE = 8;
const PNG_ODD: readonly Piece[] = [
  ...['tEXt', 'iCCP', 'tRNS', 'PLTE', 'gAMA', 'acTL', 'fdAT', 'eXIf', 'IEND', 'IDAT', 'IHDR'],
].map((type) => ({ head: latin1(type), body: new Uint8Array(13) }));

export const mutatePng: Mutator = (bytes, random) => {
  const pieces = pngChunks(bytes);
  if (pieces.length === 0) return mutateBytes(bytes, random);
  const kind = below(random, 4);
  if (kind === 0) changeHeader(pieces, random);
  else if (kind === 1) changePixels(pieces, random);
  else changePieces(pieces, random, PNG_ODD);
  const chunks = pieces.flatMap(({ head, body }) => {
    const typed = joinBytes(head, body);
    const length = bigEndian(BigInt(body.length), 4);
    return [length, typed, bigEndian(BigInt(crc32(typed)), 4)];
  });
  return joinBytes(bytes.subarray(0, PNG_SIGNATURE), ...chunks);
};

function pngChunks(bytes: Uint8Array): Piece[] {
  const pieces: Piece[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = PNG_SIGNATURE; at + 12 <= bytes.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    pieces.push({ head: bytes.slice(at + 4, at + 8), body: bytes.slice(at + 8, end) });
    at = end + 4;
  }
  return pieces;
}

/** Width, height; bit depth, colour type, compression, filter, interlace. */
function changeHeader([header]: Piece[], random: Random): void {
  const body = header?.body;
  if (body === undefined || body.length < 13) return;
  if (chance(random, 0.5)) body.set(bigEndian(pick(random, SIDES), 4), pick(random, [0, 4]));
  else body[8 + below(random, 5)] = pick(random, [0, 1, 2, 3, 4, 6, 8, 16, 255]);
}

/** Sound deflate data of wrong pixels, of too few or of too many. */
function changePixels(pieces: Piece[], random: Random): void {
  const data = pieces.find(({ head }) => head[1] === 0x44 && head[0] === 0x49);
  if (data === undefined) return;
  try {
    data.body = new Uint8Array(
      deflateSync(mutateBytes(new Uint8Array(inflateSync(data.body)), random)),
    );
  } catch {
    data.body = mutateBytes(data.body, random);
  }
}

const JPEG_ODD: readonly Piece[] = [
  ...[0xc0, 0xc1, 0xc2, 0xc4, 0xc8, 0xcc, 0xd0, 0xd9, 0xda, 0xdb, 0xdd, 0xe1, 0xee, 0xfe, 0xff],
].map((marker) => ({ head: Uint8Array.of(0xff, marker), body: new Uint8Array(6) }));

export const mutateJpeg: Mutator = (bytes, random) => {
  const { pieces, data } = jpegSegments(bytes);
  if (pieces.length === 0) return mutateBytes(bytes, random);
  const frame = pieces.find(({ head }) => (head[1] ?? 0) >= 0xc0 && (head[1] ?? 0) <= 0xc2);
  const kind = below(random, 4);
  let entropy = data;
  if (kind === 0 && frame) frame.body.set(bigEndian(pick(random, SIDES), 2), pick(random, [1, 3]));
  else if (kind === 1) entropy = mutateBytes(data, random);
  else changePieces(pieces, random, JPEG_ODD);
  const segments = pieces.flatMap(({ head, body }) => [
    head,
    bigEndian(BigInt((body.length + 2) % 65_536), 2),
    body,
  ]);
  return joinBytes(Uint8Array.of(0xff, 0xd8), ...segments, entropy);
};

/** All segments up to the first scan, whose header is the last; and what follows. */
function jpegSegments(bytes: Uint8Array): { pieces: Piece[]; data: Uint8Array } {
  const pieces: Piece[] = [];
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const end = at + 2 + (bytes[at + 2] as number) * 256 + (bytes[at + 3] as number);
    if (end > bytes.length) break;
    const head = bytes.slice(at, at + 2);
    pieces.push({ head, body: bytes.slice(at + 4, end) });
    at = end;
    if (head[1] === 0xda) break;
  }
  return { pieces, data: bytes.slice(at) };
}

/** How GIF, BMP, TIFF, WebP, AVIF, HEIC, JPEG XL, JPEG 2000, PSD, SVG and PDF begin. */
const FOREIGN_HEADS: readonly Uint8Array[] = [
  ...['GIF89a', 'BM', 'II*\0', 'MM\0*', 'RIFF\0\0\0\0WEBPVP8L', '\0\0\0\x1cftypavif'],
  ...['\0\0\0\x18ftypheic', '\xff\x0a', '\0\0\0\x0cjP  \r\n\x87\n', '8BPS', '<svg ', '%PDF-1.7'],
].map(latin1);

export const wearForeignHead: Mutator = (bytes, random) => {
  const head = pick(random, FOREIGN_HEADS);
  return joinBytes(head, bytes.subarray(Math.min(bytes.length, head.length)));
};
