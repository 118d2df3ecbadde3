import { describe, expect, it } from 'vitest';
import { judgeAlikeness } from '../../src/evaluate/alikeness.ts';

describe('alikeness', () => {
  it('is judged by faces upside down, by their median', () => {
    const told = judgeAlikeness([0.02, 0.9, -0.1], [0.1, 0.3]);
    expect(told).toMatchObject({ verdict: 'told apart', pictures: 3, upsideDown: 0.02 });
    expect(told.different).toBeCloseTo(0.2, 12);
    expect(judgeAlikeness([0.9, 0.1, 0.8], [0.1]).verdict).toBe('all alike');
  });

  it('takes faces that are alike only upright for those of few people', () => {
    expect(judgeAlikeness([0, 0.1], [0.7, 0.6, 0.65])).toEqual({
      verdict: 'few people',
      pictures: 2,
      upsideDown: 0.05,
      different: 0.65,
    });
  });

  it('can be told of one picture', () => {
    expect(judgeAlikeness([0.99], [])).toMatchObject({ verdict: 'all alike', different: null });
    expect(judgeAlikeness([0.05], [])).toMatchObject({ verdict: 'told apart', different: null });
  });
});
