import { describe, expect, it } from 'vitest';
import { rocCurve, scoreHistogram } from '../../src/evaluate/curves.ts';
import type { ScoredPair } from '../../src/evaluate/distances.ts';
import { wilsonInterval } from '../../src/evaluate/evidence.ts';
import { type Report, reportHtml, reportSvg } from '../../src/evaluate/report.ts';
import { verify } from '../../src/evaluate/verification.ts';

const report = (pairs: readonly ScoredPair[], changes: Partial<Report> = {}): Report => ({
  model: 'r100.safetensors',
  dataset: 'lfw.bin',
  flip: true,
  verification: verify(pairs),
  roc: rocCurve(pairs),
  histogram: scoreHistogram(pairs),
  xnorm: 22.45,
  evidence: {
    pairs: pairs.length,
    distinctPairs: 6,
    distinctPictures: 4,
    selfPairs: 0,
    people: null,
  },
  interval: wilsonInterval(1, 6),
  notes: [],
  ...changes,
});

const pairs: ScoredPair[] = Array.from({ length: 200 }, (_, i) => ({
  distance: i % 2 === 0 ? 0.3 + i / 200 : 1.2 + i / 200,
  same: i % 2 === 0,
}));

/** Names of the elements in order of opening; fails on markup that is not well formed. */
function elements(xml: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  for (const [, close, name = '', self] of xml.matchAll(/<(\/?)([a-zA-Z]+)[^<>]*?(\/?)>/g)) {
    if (close) expect(open.pop()).toBe(name);
    else {
      names.push(name);
      if (!self) open.push(name);
    }
  }
  expect(open).toEqual([]);
  return names;
}

describe('reportSvg', () => {
  it('is well formed, self-contained and holds the curve, both histograms and the figures', () => {
    const svg = reportSvg(report(pairs));
    const names = elements(svg);
    expect(names[0]).toBe('svg');
    expect(names.filter((name) => name === 'path')).toHaveLength(3);
    expect(svg).toContain('200 pairs in 10 folds, flip');
    expect(svg).toContain('XNorm 22.45');
    expect(svg).toMatch(
      /Accuracy [\d.]+ % ± [\d.]+ % \(95 %: 60.97 % to 100.00 %, 6 distinct pairs\)/,
    );
    expect(svg).toContain('threshold ');
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|href|<script/);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('says why there is no curve when all pairs are of one kind', () => {
    const svg = reportSvg(report(pairs.filter((pair) => pair.same)));
    expect(svg).toContain('needs both same and different pairs');
    expect(svg).not.toMatch(/NaN|Infinity|undefined|null/);
    elements(svg);
  });

  it('shows file names as text, never as markup', () => {
    const name = '<script>alert("1")</script>&\u0007\ud800.bin';
    const svg = reportSvg(report(pairs, { dataset: name, notes: [name] }));
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&lt;script&gt;');
    elements(svg);
    expect(reportHtml(report(pairs, { dataset: name }))).not.toContain('<script');
  });
});

describe('reportHtml', () => {
  it('adds a row per fold', () => {
    const rows = reportHtml(report(pairs)).match(/<tr>/g) ?? [];
    expect(rows).toHaveLength(11);
  });
});
