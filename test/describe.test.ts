import { runInNewContext } from 'node:vm';
import { expect, it, describe as suite } from 'vitest';
import {
  describe,
  isArrayBuffer,
  reasonOf,
  typedArrayLength,
  typedArrayName,
} from '../src/describe.ts';
import { isArcfaceError } from '../src/errors.ts';
import { guarded } from '../src/guard.ts';
import { HOSTILE_VALUES } from './support/hostile-values.ts';

suite('describe', () => {
  it.each<[unknown, string]>([
    ['rgbx', "'rgbx'"],
    ['x'.repeat(41), 'a text of 41 characters'],
    [7, '7'],
    [7n, '7n'],
    [10n ** 400n, 'a large BigInt'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Symbol('a'), 'Symbol(a)'],
    [new Float64Array(12), 'a Float64Array of 12'],
    [new ArrayBuffer(3), 'an ArrayBuffer of 3 bytes'],
    [[1, 2], 'an array of 2'],
    [{ x: 1, y: 2 }, 'an object with x, y'],
    [{}, 'an object with no keys'],
    [() => 1, 'a function'],
    [Promise.resolve(), 'a Promise (is an `await` missing?)'],
    // biome-ignore lint/suspicious/noThenProperty: what `await` takes for a promise
    [{ then: () => undefined }, 'a Promise (is an `await` missing?)'],
  ])('says what %o is', (value, text) => {
    expect(describe(value)).toBe(text);
  });

  it.each(HOSTILE_VALUES)('says something short of %s', (_, make) => {
    for (const say of [describe, reasonOf]) {
      expect(typeof say(make())).toBe('string');
      expect(say(make()).length).toBeLessThan(600);
    }
  });
});

suite('kinds', () => {
  it('are those of the slots, in any realm, whatever a value says of itself', () => {
    expect(typedArrayName(runInNewContext('new Float32Array(3)'))).toBe('Float32Array');
    expect(isArrayBuffer(runInNewContext('new ArrayBuffer(3)'))).toBe(true);
    expect(isArrayBuffer(new SharedArrayBuffer(3))).toBe(false);
    const tagged = { [Symbol.toStringTag]: 'Uint8Array', length: 3 };
    expect(typedArrayName(tagged)).toBeUndefined();
    class Longer extends Uint8Array {
      override get length(): number {
        return 1000;
      }
      override get [Symbol.toStringTag](): 'Uint8Array' {
        return 'Float32Array' as 'Uint8Array';
      }
    }
    expect(typedArrayName(new Longer(3))).toBe('Uint8Array');
    expect(typedArrayLength(new Longer(3))).toBe(3);
  });
});

suite('guarded', () => {
  it.each(HOSTILE_VALUES)(
    'turns %s that is thrown into an ArcfaceError with its cause',
    (_, make) => {
      const thrown = make();
      const read = (): never => {
        throw thrown;
      };
      let caught: unknown;
      try {
        guarded('bad_argument', 'options.x', read);
      } catch (error) {
        caught = error;
      }
      expect(isArcfaceError(caught)).toBe(true);
      expect((caught as { message: string }).message).toMatch(/^options\.x: failed \(/);
      expect(Object.is((caught as { cause: unknown }).cause, thrown)).toBe(true);
    },
  );
});
