/** JSON as `convert` writes it is not walked through, any other is: both are refused for the same faults. */

import { describe, expect, it } from 'vitest';
import { parseJsonStrictly } from '../../src/formats/json-keys.ts';

const parse = (text: string): unknown => parseJsonStrictly(text, 'here', 'bad_weights');
const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

describe.each([
  ['as it is written', (text: string) => text],
  ['with spaces behind', (text: string) => `${text}   `],
  ['with spaces between', (text: string) => text.replaceAll(',', ' , ').replaceAll(']', ' ]')],
])('JSON %s', (_, spelt) => {
  it('gives its value', () => {
    const value = { a: [1, -0.5, 'x"}\\'], 'b:{': { a: null, c: true } };
    expect(parse(spelt(JSON.stringify(value)))).toEqual(value);
  });

  it.each([
    ['{"a":1,"a":1}', 'a'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"o":[{"b":1,"c":2,"b":3}]}', 'b'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ])('is refused for the key that stands twice in %s', (text, key) => {
    expect(() => parse(spelt(text))).toThrow(`here: expected every key once, got "${key}" twice`);
  });

  it('may nest 8 levels, not 9', () => {
    expect(parse(spelt(nested(8)))).toEqual(JSON.parse(nested(8)));
    expect(() => parse(spelt(nested(9)))).toThrow('here: expected at most 8 levels, got more');
  });
});
