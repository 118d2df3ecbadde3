/**
 * What an argument is, whoever made it: its kind, for checks, and a short text, for error messages.
 * Receives anything, also a proxy or an object whose getters throw; never throws, and runs code of the
 * caller's only where a text needs it. Kinds are those of the slots that the language itself looks at:
 * they hold for values of another realm (a frame, a `vm` context) and cannot be pretended.
 */

type Getter<T> = (this: unknown) => T;

function getterOf<T>(prototype: object, key: PropertyKey): Getter<T> {
  return Object.getOwnPropertyDescriptor(prototype, key)?.get as Getter<T>;
}

const TypedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
const typedArrayTag = getterOf<string | undefined>(TypedArray, Symbol.toStringTag);
const typedArrayLengthOf = getterOf<number>(TypedArray, 'length');
const typedArrayBuffer = getterOf<ArrayBuffer>(TypedArray, 'buffer');
const typedArrayOffset = getterOf<number>(TypedArray, 'byteOffset');
const arrayBufferLength = getterOf<number>(ArrayBuffer.prototype, 'byteLength');

export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return succeeds(() => arrayBufferLength.call(value));
}

/** 'Uint8Array', 'Float32Array', ... also for arrays of another realm; undefined for anything else. */
export function typedArrayName(value: unknown): string | undefined {
  return typedArrayTag.call(value);
}

/** Elements of a typed array as they are: a subclass may say otherwise. 0 where its buffer is detached. */
export function typedArrayLength(array: ArrayBufferView): number {
  return typedArrayLengthOf.call(array);
}

/** A promise, or what `await` would take for one. */
function isPromise(value: unknown): boolean {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && 'then' in value && typeof value.then === 'function';
}

/** The same bytes as an array of the language's own class. */
export function plainBytes(array: Uint8Array): Uint8Array {
  const buffer = typedArrayBuffer.call(array);
  return new Uint8Array(buffer, typedArrayOffset.call(array), typedArrayLength(array));
}

/** What a value is, in a few words: `'rgbx'`, `7`, `a Float64Array of 12`, `an object with x, y`. */
export function describe(value: unknown): string {
  try {
    return textOf(value);
  } catch {
    return 'an object that throws when it is looked at';
  }
}

/** A path or an address, in quotes; a long one is cut. */
export function quoted(text: string): string {
  return `"${shortened(text, MAX_REASON)}"`;
}

/** What an error says, or what was thrown instead of one. */
export function reasonOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return shortened(String(thrown.message), MAX_REASON);
  } catch {
    // What it is remains to be said.
  }
  return describe(thrown);
}

const MAX_TEXT = 40;
const MAX_KEYS = 6;
const MAX_REASON = 500;
/** Larger ones take long to be written out. */
const MAX_BIGINT = 2n ** 64n;

function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > MAX_TEXT ? `a text of ${value.length} characters` : `'${value}'`;
    case 'bigint':
      return value > -MAX_BIGINT && value < MAX_BIGINT ? `${value}n` : 'a large BigInt';
    case 'symbol':
      return shortened(String(value), MAX_TEXT);
    case 'function':
      return isPromise(value) ? A_PROMISE : 'a function';
    case 'object':
      return value === null ? 'null' : textOfObject(value);
    default:
      return String(value);
  }
}

const A_PROMISE = 'a Promise (is an `await` missing?)';

function textOfObject(value: object): string {
  const array = typedArrayName(value);
  if (array !== undefined) return `a ${array} of ${typedArrayLength(value as ArrayBufferView)}`;
  if (isArrayBuffer(value)) return `an ArrayBuffer of ${arrayBufferLength.call(value)} bytes`;
  if (Array.isArray(value)) return `an array of ${Number(value.length)}`;
  if (isPromise(value)) return A_PROMISE;
  const keys = Object.keys(value).slice(0, MAX_KEYS);
  return `an object with ${keys.map((key) => shortened(key, MAX_TEXT)).join(', ') || 'no keys'}`;
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}...` : text;
}

function succeeds(look: () => unknown): boolean {
  try {
    look();
    return true;
  } catch {
    return false;
  }
}
