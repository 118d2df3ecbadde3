import { describe, expect, it } from 'vitest';
import { nearest } from '../src/nearest.ts';

describe('nearest', () => {
  it('finds what was meant, and nothing when nothing is near', () => {
    const names = ['convert', 'inspect', 'embed'];
    expect(nearest('covnert', names)).toBe('convert');
    expect(nearest('ins', names)).toBe('inspect');
    expect(nearest('zzzzzz', names)).toBeUndefined();
    expect(nearest('x'.repeat(100_000), names)).toBeUndefined();
  });
});
