/** Values that misbehave when they are looked at: what an argument can be at its worst. */

function thrower(what: unknown = new Error('trap')): () => never {
  return () => {
    throw what;
  };
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** A proxy that throws `what` whatever is done to it. */
function guardedProxy(target: object, what?: unknown): unknown {
  const trap = thrower(what);
  const traps = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'apply'];
  return new Proxy(target, Object.fromEntries(traps.map((name) => [name, trap])));
}

class Misnamed extends Uint8Array {
  override get [Symbol.toStringTag](): never {
    throw new Error('tag');
  }
  override get length(): never {
    throw new Error('length');
  }
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(37632);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

const unprintable = { toString: thrower(), valueOf: thrower(), [Symbol.toPrimitive]: thrower() };

/** Each made anew: some can be used once. */
export const HOSTILE_VALUES: readonly (readonly [name: string, make: () => unknown])[] = [
  ['a revoked proxy', () => revoked({})],
  ['a revoked proxy of an array', () => revoked([])],
  ['a revoked proxy of a function', () => revoked(() => undefined)],
  ['a proxy that throws', () => guardedProxy({})],
  ['a proxy of an array that throws', () => guardedProxy([1, 2])],
  ['a proxy of a typed array that throws', () => guardedProxy(new Float32Array(4))],
  ['a proxy that throws a revoked proxy', () => guardedProxy({}, revoked({}))],
  ['a proxy that throws a symbol', () => guardedProxy({}, Symbol('why'))],
  [
    'a proxy that throws undefined',
    () => new Proxy({}, { get: thrower(null), ownKeys: thrower(null) }),
  ],
  ['an object that cannot be printed', () => unprintable],
  [
    'an object whose tag throws',
    () => Object.defineProperty({}, Symbol.toStringTag, { get: thrower() }),
  ],
  ['an object without a prototype', () => Object.create(null)],
  ['a typed array whose tag and length throw', () => new Misnamed(1)],
  ['a detached array', detached],
  ['an endless array-like', () => ({ length: Number.POSITIVE_INFINITY, 0: 1 })],
  [
    'an array-like whose length throws',
    () => Object.defineProperty({}, 'length', { get: thrower() }),
  ],
  ['an array whose first item throws', () => Object.defineProperty([1], 0, { get: thrower() })],
  ['a symbol', () => Symbol('a')],
  ['a symbol with a long name', () => Symbol('a'.repeat(1e6))],
  ['a BigInt', () => 7n],
  ['a huge BigInt', () => 1n << 5_000_000n],
  ['a long text', () => 'x'.repeat(1e7)],
  ['a text of control characters', () => '\u001b[2J\u202e\n'],
  ['an object with a long key', () => ({ ['k'.repeat(1e6)]: 1 })],
  ['an object whose then throws', () => Object.defineProperty({}, 'then', { get: thrower() })],
  ['a promise', () => Promise.resolve(1)],
  ['a function', () => () => undefined],
  ['a class', () => Misnamed],
  ['a date', () => new Date()],
  ['NaN', () => Number.NaN],
  ['null', () => null],
  ['a shared buffer', () => new SharedArrayBuffer(8)],
  ['a view of numbers', () => new DataView(new ArrayBuffer(8))],
  ['an array of 64-bit integers', () => new BigInt64Array(4)],
];
