/**
 * What an argument is, whoever made it: its kind, for checks, and a short text, for error messages.
 * Receives anything; never throws, as `String` does on a symbol or an object without a prototype.
 */

/** By tag, which values of another realm (a frame, a `vm` context) share. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

/** 'Uint8Array', 'Float32Array', ... also for arrays of another realm; undefined for anything else. */
export function typedArrayName(value: unknown): string | undefined {
  if (!ArrayBuffer.isView(value)) return undefined;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return name === 'DataView' ? undefined : name;
}

/** What a value is, in a few words: `'rgbx'`, `7`, `a Float64Array of 12`, `an object`. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > 40 ? `a text of ${value.length} characters` : `'${value}'`;
  }
  const array = typedArrayName(value);
  if (array !== undefined) return `a ${array} of ${(value as Uint8Array).length}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    return `an object with ${Object.keys(value).slice(0, 6).join(', ') || 'no keys'}`;
  }
  return typeof value === 'function' ? 'a function' : String(value);
}
