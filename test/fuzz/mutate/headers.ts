/** Damage to files of a header that is text and data behind it, with the length of the header kept right. */

import { mutateBytes } from './bytes.ts';
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

/** Magic number, storage type, rank, dimensions, context, type: what stands in front of each array. */
const PARAMS_HEADER = 48;
/** Names lie at the end. */
const PARAMS_NAMES = 400;

/** MXNet .params: damage where an array begins, or among the names. */
export const mutateParams: Mutator = (bytes, random) => {
  const starts = [0];
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const isMagic = bytes[at + 3] === 0xf9 && bytes[at + 2] === 0x93 && bytes[at + 1] === 0xfa;
    if (isMagic) starts.push(at);
  }
  const isName = below(random, 3) === 0;
  const from = isName ? Math.max(0, bytes.length - PARAMS_NAMES) : pick(random, starts);
  const to = Math.min(bytes.length, from + (isName ? PARAMS_NAMES : PARAMS_HEADER));
  const changed = mutateBytes(bytes.slice(from, to), random);
  return joinBytes(bytes.subarray(0, from), changed, bytes.subarray(to));
};
