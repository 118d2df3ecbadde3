/** The short form of `npm run fuzz -- --only readers`: the same cases in every run. */

import { describe, expect, it } from 'vitest';
import { runCases } from './campaign.ts';
import { allReaders } from './readers/all.ts';
import { judge, readerSubject } from './subject.ts';

const SEED = 20_260_801;
/** Of each reader; whichever comes first. */
const LIMITS = { count: 500, ms: 1000 };
/** On a machine that has no time either. */
const LEAST = 3;

describe.each(allReaders())('damaged files of $name', (reader) => {
  it('are whole before they are damaged', async () => {
    for (const sample of reader.samples) {
      const { outcome, fault, detail } = await judge(reader, sample);
      expect([outcome, fault, detail]).toEqual(['valid', undefined, undefined]);
    }
  });

  it('give a coded error or a valid result, in bounded time and memory', async () => {
    const tally = await runCases(readerSubject(reader), { seed: SEED, from: 0, ...LIMITS });
    expect(tally.findings).toEqual([]);
    expect(tally.inputs).toBeGreaterThanOrEqual(LEAST);
  });
});
