import { describe, expect, it } from 'vitest';
import { countEvidence, evidenceNotes, wilsonInterval } from '../../src/evaluate/evidence.ts';

describe('wilsonInterval', () => {
  // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
  // table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('of %i of %i is what Newcombe prints', (cases, count, from, to) => {
    const interval = wilsonInterval(cases / count, count);
    expect(interval.from).toBeCloseTo(from, 4);
    expect(interval.to).toBeCloseTo(to, 4);
  });

  it('does not shrink to nothing when everything was right', () => {
    expect(wilsonInterval(1, 6)).toMatchObject({ from: expect.closeTo(0.6097, 4), to: 1 });
    expect(wilsonInterval(1, 6000).from).toBeGreaterThan(0.999);
  });
});

describe('countEvidence', () => {
  it('counts what is distinct: pairs in either order, pictures, people, a picture with itself', () => {
    const keys = ['a', 'b', 'b', 'a', 'a', 'c', 'c', 'c'];
    const people = ['Ann', 'Ann', 'Ann', 'Ann', 'Ann', 'Bob', 'Bob', 'Bob'];
    expect(countEvidence(keys, people)).toEqual({
      pairs: 4,
      distinctPairs: 3,
      distinctPictures: 3,
      selfPairs: 1,
      people: 2,
    });
    expect(countEvidence(keys, null).people).toBeNull();
  });

  it('says what little evidence is, and nothing of much', () => {
    const few = countEvidence(
      Array.from({ length: 80 }, (_, i) => 'abcd'[(i + (i >> 3)) % 4] as string),
      null,
    );
    const notes = evidenceNotes(few, 1, wilsonInterval(1, few.distinctPairs));
    expect(notes.join('; ')).toMatch(
      /40 pairs, of which \d distinct: .*no more than \d distinct pairs of 4 pictures: the true/,
    );
    const much = countEvidence(
      Array.from({ length: 12000 }, (_, i) => String(i)),
      null,
    );
    expect(evidenceNotes(much, 0.99, wilsonInterval(0.99, 6000))).toEqual([]);
  });
});
