/**
 * NumPy's .npy (format 1.0 to 3.0): little-endian uint8 and float32 arrays in C order are read,
 * float32 arrays are written. Receives a whole file; refuses other types, Fortran order, big endian,
 * and files that are longer or shorter than their shape says. Source: numpy/lib/format.py.
 *
 * NumPy refuses a header whose dict has other keys than its own three, but evaluates it as a Python literal:
 * a comment behind the dict is passed over. What else there is to say about an array stands there.
 *
 *   93 'NUMPY' major minor | header length (u16, from 2.0 u32) | Python dict, padded | data
 */

import { ArcfaceError } from '../errors.ts';

export type NpyArray = (
  | { readonly dtype: 'uint8'; readonly data: Uint8Array }
  | { readonly dtype: 'float32'; readonly data: Float32Array }
) & {
  readonly shape: readonly number[];
  /** What stands behind `#` in the header, if anything does. */
  readonly comment?: string | undefined;
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_HEADER = 64 * 1024;
const MAX_RANK = 32;

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((v, i) => bytes[i] === v);
}

/** Reads a whole file; `name` is for messages. Data is copied where it is not aligned. */
export function readNpy(bytes: Uint8Array, name = '.npy'): NpyArray {
  const { header, dataStart } = readHeader(bytes, name);
  const { descr, isFortran, shape } = parseHeader(header, name);
  if (isFortran) {
    throw bad(name, 'expected C order, got Fortran order; save numpy.ascontiguousarray(a)');
  }
  const itemBytes = itemSize(descr, name);
  const count = shape.reduce((product, n) => product * n, 1);
  if (count * itemBytes !== bytes.length - dataStart) {
    throw bad(
      name,
      `expected ${count * itemBytes} bytes of data for shape (${shape.join(', ')}), got ${bytes.length - dataStart}`,
    );
  }
  // Not slice: that of a Node Buffer is a view of the shared pool.
  const data = new Uint8Array(bytes.subarray(dataStart));
  const comment = /\}\s*#\s?([^\n]*)/.exec(header)?.[1]?.trimEnd();
  if (itemBytes === 1) return { dtype: 'uint8', shape, data, comment };
  return { dtype: 'float32', shape, data: new Float32Array(data.buffer), comment };
}

function readHeader(bytes: Uint8Array, name: string): { header: string; dataStart: number } {
  if (!isNpy(bytes))
    throw bad(name, 'expected the magic bytes \\x93NUMPY, got others; it is no .npy file');
  const [major, minor] = [bytes[6], bytes[7]];
  if (major === undefined || major < 1 || major > 3 || minor !== 0) {
    throw bad(name, `expected format 1.0, 2.0 or 3.0, got ${major}.${minor}`);
  }
  const start = major === 1 ? 10 : 12;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < start) throw bad(name, `expected a header, got ${bytes.length} bytes`);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER || start + length > bytes.length) {
    throw bad(
      name,
      `expected a header of ${length} bytes, got ${bytes.length - start} bytes after its length`,
    );
  }
  const header = new TextDecoder(major === 3 ? 'utf-8' : 'latin1').decode(
    bytes.subarray(start, start + length),
  );
  return { header, dataStart: start + length };
}

/** The dict numpy writes: three keys in any order, values without nesting. */
function parseHeader(
  header: string,
  name: string,
): { descr: string; isFortran: boolean; shape: number[] } {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const shapeText = /'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  if (/'descr'\s*:\s*\[/.test(header)) {
    throw bad(name, 'expected dtype uint8 or float32, got a structured one; save one field');
  }
  if (descr === undefined || order === undefined || shapeText === undefined) {
    throw bad(name, 'expected descr, fortran_order and shape in the header, got another header');
  }
  const parts = shapeText.split(',').map((part) => part.trim());
  if (parts.at(-1) === '') parts.pop();
  const shape = parts.map((part) => (/^\d{1,15}$/.test(part) ? Number(part) : Number.NaN));
  const count = shape.reduce((product, n) => product * n, 1);
  if (shape.length > MAX_RANK || !Number.isSafeInteger(count * 4)) {
    throw bad(name, `expected a shape of whole numbers, got (${shapeText.slice(0, 80)})`);
  }
  return { descr, isFortran: order === 'True', shape };
}

function itemSize(descr: string, name: string): 1 | 4 {
  if (/^[|<>=]?u1$/.test(descr)) return 1;
  if (descr === '<f4') return 4;
  if (descr.startsWith('>')) {
    throw bad(name, `expected little endian, got '${descr}'; save a.astype('<f4')`);
  }
  throw bad(
    name,
    `expected dtype uint8 ('|u1') or float32 ('<f4'), got '${descr.slice(0, 40)}'; convert with a.astype(numpy.float32)`,
  );
}

/**
 * A format 1.0 file of float32 in C order; the data starts at a multiple of 64 as numpy aligns it.
 * `comment`: one line of printable ASCII.
 */
export function writeNpy(
  data: Float32Array,
  shape: readonly number[],
  comment?: string,
): Uint8Array {
  if (shape.reduce((product, n) => product * n, 1) !== data.length) {
    throw new ArcfaceError(
      'bad_argument',
      `writeNpy: expected ${shape.join(' x ')} values, got ${data.length}`,
    );
  }
  if (comment !== undefined && !/^[\x20-\x7e]{0,4000}$/.test(comment)) {
    throw new ArcfaceError('bad_argument', 'writeNpy: expected a comment of one line of ASCII');
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const remark = comment === undefined ? '' : ` # ${comment}`;
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }${remark}`;
  const dataStart = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const file = new Uint8Array(dataStart + 4 * data.length);
  file.set([...MAGIC, 1, 0]);
  const view = new DataView(file.buffer);
  view.setUint16(8, dataStart - 10, true);
  file.set(new TextEncoder().encode(`${dict.padEnd(dataStart - 11)}\n`), 10);
  data.forEach((value, i) => {
    view.setFloat32(dataStart + 4 * i, value, true);
  });
  return file;
}

function bad(name: string, message: string): ArcfaceError {
  return new ArcfaceError('bad_picture', `${name}: ${message}`);
}
