/**
 * What the few permitted names of a pickle would make, re-enacted on plain data: byte strings written
 * by Python 3 with protocol 2 (`_codecs.encode`, `bytes`, `bytearray`), numpy arrays of plain numbers or
 * objects (`_reconstruct` and its state, `_frombuffer` of protocol 5) and numpy scalars. Every other
 * name, dtype and argument is refused; sizes are compared with the data that is there.
 */

import { ArcfaceError } from '../errors.ts';
import { numpyNumbers } from './numpy-numbers.ts';
import {
  NUMPY_KINDS,
  NumpyArray,
  NumpyDtype,
  PickleCallable,
  PickleTuple,
  type PickleValue,
} from './pickle-values.ts';

interface Context {
  readonly where: string;
  readonly offset: number;
  encodeBudget: number;
}

type Make = (context: Context, args: readonly PickleValue[]) => PickleValue;

/** Both spellings: numpy 2 moved `numpy.core` to `numpy._core`, Python 3 `__builtin__` to `builtins`. */
const MAKERS: Readonly<Record<string, Make>> = {
  '_codecs.encode': encodeLatin1,
  'builtins.bytes': bytesOfArgument,
  'builtins.bytearray': bytesOfArgument,
  'numpy.core.multiarray._reconstruct': () => new NumpyArray(),
  'numpy.core.multiarray.scalar': scalar,
  'numpy.core.numeric._frombuffer': frombuffer,
  'numpy.dtype': dtype,
  'numpy.ndarray': (context) => {
    throw refused(context, 'numpy.ndarray as an argument only', 'a call of it');
  },
};

/** The permitted callable `module.name`, refused by name otherwise. */
export function callableNamed(context: Context, module: string, name: string): PickleCallable {
  const canonical = `${module
    .replace(/^numpy\._core\b/, 'numpy.core')
    .replace(/^__builtin__$/, 'builtins')}.${name}`;
  if (!Object.hasOwn(MAKERS, canonical)) {
    throw refused(
      context,
      'byte strings or numpy arrays of numbers',
      `a reference to ${shortened(`${module}.${name}`)}, which is refused, nothing was executed`,
    );
  }
  return new PickleCallable(canonical);
}

/** What `callable(*args)` would give. */
export function reduce(
  context: Context,
  callable: PickleValue,
  args: readonly PickleValue[],
): PickleValue {
  const make = callable instanceof PickleCallable ? MAKERS[callable.name] : undefined;
  if (make === undefined) throw refused(context, 'REDUCE of a permitted name', 'something else');
  return make(context, args);
}

/** BUILD: gives a numpy array its shape and data, a dtype its byte order. */
export function applyState(context: Context, target: PickleValue, state: PickleValue): void {
  if (!(state instanceof PickleTuple)) throw refused(context, 'a tuple as state', 'something else');
  if (target instanceof NumpyDtype) {
    applyDtypeState(context, target, state.items);
    return;
  }
  if (!(target instanceof NumpyArray) || target.data !== null || target.objects !== null) {
    throw refused(context, 'state for a new numpy array or dtype', 'state for something else');
  }
  // (version, shape, dtype, is_fortran, data); numpy before 1.0 left the version out.
  const [shape, kind, , data] = state.items.length === 4 ? state.items : state.items.slice(1);
  fill(context, target, shape, kind, data);
}

function fill(
  context: Context,
  array: NumpyArray,
  shape: PickleValue | undefined,
  dtype: PickleValue | undefined,
  data: PickleValue | undefined,
): void {
  if (!(dtype instanceof NumpyDtype)) throw refused(context, 'a dtype of numbers', 'none');
  const dims = dimensions(context, shape);
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (dtype.kind === 'O8') {
    if (!Array.isArray(data)) throw refused(context, "the numpy array's objects", 'something else');
    array.objects = data;
  } else {
    if (!(data instanceof Uint8Array)) {
      throw refused(context, "the numpy array's data as a byte string", 'something else');
    }
    array.data = data;
  }
  const there = array.objects?.length ?? (array.data?.length ?? 0) / dtype.itemBytes;
  if (size !== there) {
    throw refused(
      context,
      `${there} elements, as many as there are data`,
      `shape [${dims.join(', ')}]`,
    );
  }
  array.dtype = dtype;
  array.shape = dims;
}

function dimensions(context: Context, shape: PickleValue | undefined): number[] {
  const dims: number[] = [];
  if (!(shape instanceof PickleTuple)) throw refused(context, 'a shape', 'something else');
  for (const dim of shape.items) {
    if (typeof dim !== 'number' || !Number.isInteger(dim) || dim < 0) {
      throw refused(context, 'dimensions of at least 0', 'something else');
    }
    dims.push(dim);
  }
  return dims;
}

function dtype(context: Context, args: readonly PickleValue[]): NumpyDtype {
  const name = asText(args[0]);
  const bare = name?.replace(/^[|<=>]/, '');
  const kind = NUMPY_KINDS.find((one) => one === bare);
  if (kind === undefined) {
    throw refused(context, 'a numpy dtype of numbers', `dtype ${shortened(name ?? 'unnamed')}`);
  }
  const made = new NumpyDtype(kind);
  made.isBigEndian = name?.startsWith('>') ?? false;
  return made;
}

/** (version, byte order, subarray, names, fields, ...). */
function applyDtypeState(
  context: Context,
  target: NumpyDtype,
  items: readonly PickleValue[],
): void {
  const order = asText(items[1]);
  const plain = (items[2] ?? null) === null && (items[3] ?? null) === null;
  if (!plain || order === undefined || !/^[|<=>]$/.test(order)) {
    throw refused(context, 'a plain dtype', 'one with subarray or fields');
  }
  target.isBigEndian = order === '>';
}

function frombuffer(context: Context, args: readonly PickleValue[]): NumpyArray {
  const array = new NumpyArray();
  const [data, kind, shape] = args;
  fill(context, array, shape, kind, data);
  return array;
}

function scalar(context: Context, args: readonly PickleValue[]): PickleValue {
  const [dtype, data] = args;
  const array = new NumpyArray();
  fill(context, array, new PickleTuple([]), dtype, data);
  const [value] = numpyNumbers(array) ?? [];
  if (value === undefined) throw refused(context, 'a numpy number or bool', 'another scalar');
  return array.dtype.kind === 'b1' ? value !== 0 : value;
}

/** Python 3 writes bytes into a protocol 2 pickle as latin-1 text to be encoded again. */
function encodeLatin1(context: Context, args: readonly PickleValue[]): Uint8Array {
  const [text, encoding] = args;
  if (typeof text !== 'string' || asText(encoding)?.replace('-', '') !== 'latin1') {
    throw refused(context, '_codecs.encode(text, "latin1")', 'other arguments');
  }
  context.encodeBudget -= text.length;
  if (context.encodeBudget < 0) {
    throw refused(context, 'each byte string to be written once', 'the same text encoded again');
  }
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw refused(context, 'latin-1 text', 'a character above 255');
    bytes[i] = code;
  }
  return bytes;
}

/** `bytes()` and `bytearray(b'...')`. */
function bytesOfArgument(context: Context, args: readonly PickleValue[]): Uint8Array {
  if (args.length === 0) return new Uint8Array(0);
  const [only] = args;
  if (args.length === 1 && only instanceof Uint8Array) return only;
  throw refused(context, 'bytes() or bytearray(byte string)', 'other arguments');
}

/** A Python 2 string arrives as bytes. */
function asText(value: PickleValue | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (!(value instanceof Uint8Array) || value.length > 64) return undefined;
  return String.fromCharCode(...value);
}

function shortened(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}...` : name;
}

function refused(context: Context, expected: string, got: string): ArcfaceError {
  return new ArcfaceError(
    'bad_dataset',
    `${context.where}, before offset ${context.offset}: expected ${expected}, got ${got}`,
  );
}
