/** Damage to files of a header that is text and data behind it, with the length of the header kept right. */

import { below, joinBytes, littleEndian, type Mutator, NUMBER_TEXTS, pick } from './choose.ts';
import { mutateJson } from './json.ts';

const LENGTH_BYTES = 8;
const ALIGNMENT = 64;

/** safetensors: 8 bytes of length, JSON padded with blanks, data. */
export const mutateSafetensors: Mutator = (bytes, random) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length < LENGTH_BYTES ? 0 : LENGTH_BYTES + Number(view.getBigUint64(0, true));
  if (end < LENGTH_BYTES || end > bytes.length) return bytes;
  const json = mutateJson(bytes.slice(LENGTH_BYTES, end), random);
  const size = Math.ceil((LENGTH_BYTES + json.length) / ALIGNMENT) * ALIGNMENT;
  const blanks = new Uint8Array(size - LENGTH_BYTES - json.length).fill(0x20);
  const length = littleEndian(BigInt(size - LENGTH_BYTES), LENGTH_BYTES);
  return joinBytes(length, json, blanks, bytes.subarray(end));
};

const NPY_DESCRIPTIONS = [
  '<f4',
  '>f4',
  '<f8',
  '|u1',
  '|b1',
  '<i8',
  '|O',
  '<U9',
  '|V4',
  'f4',
  '<f4 ',
];
const NPY_START = 10;

/** .npy of format 1.0: magic, version, u16 of length, a Python dict, data. */
export const mutateNpy: Mutator = (bytes, random) => {
  const end = NPY_START + (bytes[8] ?? 0) + 256 * (bytes[9] ?? 0);
  if (end > bytes.length) return bytes;
  const text = new TextDecoder('latin1').decode(bytes.subarray(NPY_START, end)).trimEnd();
  const kind = below(random, 4);
  let changed = text;
  if (kind === 0)
    changed = text.replace(/'descr': '[^']*'/, `'descr': '${pick(random, NPY_DESCRIPTIONS)}'`);
  else if (kind === 1) changed = text.replace('False', 'True');
  else {
    const numbers = [...text.matchAll(/\d+/g)];
    const one = pick(random, numbers);
    if (one === undefined) return bytes;
    const by = pick(random, [...NUMBER_TEXTS, '1, 1', '']);
    changed = text.slice(0, one.index) + by + text.slice(one.index + one[0].length);
  }
  const header = new TextEncoder().encode(`${changed}\n`);
  const length = littleEndian(BigInt(header.length), 2);
  return joinBytes(bytes.subarray(0, 8), length, header, bytes.subarray(end));
};
