/**
 * One picture of an evaluation. Receives its numbers, returns a self-contained SVG with the figures, the
 * ROC curve (FAR on a logarithmic axis) and the histograms of same and different pairs, or the same
 * picture with a table of the folds as an HTML page. Nothing is loaded from elsewhere, no script runs.
 */

import type { Histogram, Roc, RocPoint } from './curves.ts';
import type { Evidence, Interval } from './evidence.ts';
import type { Verification } from './verification.ts';

export interface Report {
  /** Shown in the title: the weights and the data set. */
  readonly model: string;
  readonly dataset: string;
  readonly flip: boolean;
  readonly verification: Verification;
  /** Null when the data set has no same or no different pairs. */
  readonly roc: Roc | null;
  readonly histogram: Histogram;
  readonly xnorm: number;
  readonly evidence: Evidence;
  readonly interval: Interval;
  /** Sentences for people, such as a suspicion about the channel order. */
  readonly notes: readonly string[];
}

const WIDTH = 960;
const HEIGHT = 535;
/** Both plots have the same size; x and y of their upper left corners differ. */
const PLOT = { width: 390, height: 320, top: 146 };
const ROC_LEFT = 65;
const HISTOGRAM_LEFT = 540;
/** Left end of the FAR axis: one false accept in 10,000. */
const FAR_DECADES = 4;
const COLORS = { same: '#1b7f5c', different: '#b5402f', text: '#1c2430', muted: '#5b6675' };
const FONT = 'font-family="system-ui, sans-serif"';

export function reportSvg(report: Report): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ${FONT} font-size="13" fill="${COLORS.text}" role="img" aria-label="${escapeXml(headline(report))}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...header(report),
    ...rocPlot(report.roc),
    ...histogramPlot(report.histogram, report.verification.threshold?.cosine ?? null),
    '</svg>',
    '',
  ].join('\n');
}

export function reportHtml(report: Report): string {
  const rows = report.verification.folds.map(
    (fold, i) =>
      `<tr><td>${i + 1}</td><td>${fold.pairs}</td><td>${percent(fold.accuracy)}</td>` +
      `<td>${fold.threshold.toFixed(2)}</td><td>${percent(fold.val)}</td><td>${percent(fold.far)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(`${report.model} on ${report.dataset}`)}</title>
<style>
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 15px system-ui, sans-serif; color: ${COLORS.text}; }
svg { width: 100%; height: auto; }
table { border-collapse: collapse; margin: 1rem auto; }
th, td { padding: 0.2rem 0.9rem; text-align: right; border-bottom: 1px solid #dde2e8; }
</style>
</head>
<body>
${reportSvg(report)}<table>
<thead><tr><th>Fold</th><th>Pairs</th><th>Accuracy</th><th>Threshold (squared distance)</th><th>VAL</th><th>FAR</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
${report.notes.map((note) => `<p>${escapeXml(note)}</p>`).join('\n')}
</body>
</html>
`;
}

function headline({ verification, interval, evidence }: Report): string {
  const within = `${percent(interval.from)} to ${percent(interval.to)}`;
  const rests = `95 %: ${within}, ${evidence.distinctPairs} distinct pairs`;
  return `Accuracy ${percent(verification.accuracy)} ± ${percent(verification.std)} (${rests})`;
}

function header(report: Report): string[] {
  const { verification: v, roc } = report;
  const areas = roc === null ? '' : `  ·  AUC ${roc.auc.toFixed(5)}  ·  EER ${percent(roc.eer)}`;
  const val = v.val === null ? '' : `  ·  VAL ${percent(v.val)} at FAR ${v.farTarget}`;
  const details = `${v.pairs} pairs in ${v.folds.length} folds${report.flip ? ', flip' : ''}${val}${areas}  ·  XNorm ${report.xnorm.toFixed(2)}`;
  return [
    textAt(30, 34, `${report.model} on ${report.dataset}`, 'font-size="15"', 100),
    textAt(30, 62, headline(report), 'font-size="21" font-weight="600"'),
    textAt(30, 86, details, `fill="${COLORS.muted}"`, 140),
    ...report.notes.slice(0, 1).map((n) => textAt(30, 106, n, `fill="${COLORS.different}"`, 150)),
  ];
}

function rocPlot(roc: Roc | null): string[] {
  const parts = frame(ROC_LEFT, 'ROC: true accept rate', 'false accept rate (logarithmic)');
  for (let decade = 0; decade <= FAR_DECADES; decade++) {
    const x = ROC_LEFT + (decade / FAR_DECADES) * PLOT.width;
    parts.push(gridLine(x, PLOT.top, x, PLOT.top + PLOT.height));
    parts.push(
      label(x, PLOT.top + PLOT.height + 18, String(Number(`1e${decade - FAR_DECADES}`)), 'middle'),
    );
  }
  const lowest = lowestTar(roc);
  for (let i = 0; i <= 5; i++) {
    const tar = lowest + ((1 - lowest) * i) / 5;
    const y = tarY(tar, lowest);
    parts.push(gridLine(ROC_LEFT, y, ROC_LEFT + PLOT.width, y));
    parts.push(label(ROC_LEFT - 8, y + 4, `${Number((tar * 100).toFixed(2))} %`, 'end'));
  }
  if (roc === null) {
    const words = 'needs both same and different pairs';
    return [...parts, label(ROC_LEFT + PLOT.width / 2, PLOT.top + 160, words, 'middle')];
  }
  const line = roc.points.map((p, i) => step(p, roc.points[i - 1], lowest)).join('');
  return [
    ...parts,
    `<path d="${line}" fill="none" stroke="${COLORS.same}" stroke-width="2" stroke-linejoin="round"/>`,
  ];
}

/** The axis starts at the tidy percentage below the curve's TAR at its left end. */
function lowestTar(roc: Roc | null): number {
  const atLeft = (roc?.points ?? []).filter((p) => p.far <= 10 ** -FAR_DECADES);
  const tar = atLeft.reduce((best, p) => Math.max(best, p.tar), 0);
  return [0.99, 0.95, 0.9, 0.75, 0.5].find((start) => start < tar) ?? 0;
}

/** The curve rises straight up and goes straight right, as counts do. */
function step(point: RocPoint, previous: RocPoint | undefined, lowest: number): string {
  const [x, y] = [farX(point.far), tarY(point.tar, lowest)];
  if (previous === undefined) return `M${round(x)} ${round(y)}`;
  const corner = point.far === previous.far ? '' : `H${round(x)}`;
  return point.tar === previous.tar ? corner : `${corner}V${round(y)}`;
}

function farX(far: number): number {
  const decades = far <= 0 ? 0 : Math.max(0, Math.log10(far) + FAR_DECADES);
  return ROC_LEFT + (decades / FAR_DECADES) * PLOT.width;
}

function tarY(tar: number, lowest: number): number {
  const share = Math.max(0, (tar - lowest) / (1 - lowest));
  return PLOT.top + PLOT.height * (1 - share);
}

function histogramPlot(histogram: Histogram, threshold: number | null): string[] {
  const parts = frame(HISTOGRAM_LEFT, 'Pairs by cosine', 'cosine similarity');
  const most = Math.max(1, ...histogram.same, ...histogram.different);
  const scoreX = (cosine: number): number => HISTOGRAM_LEFT + ((cosine + 1) / 2) * PLOT.width;
  const countY = (count: number): number => PLOT.top + PLOT.height * (1 - count / (most * 1.05));
  for (let i = 0; i <= 4; i++) {
    const cosine = -1 + i / 2;
    parts.push(gridLine(scoreX(cosine), PLOT.top, scoreX(cosine), PLOT.top + PLOT.height));
    parts.push(label(scoreX(cosine), PLOT.top + PLOT.height + 18, `${cosine}`, 'middle'));
  }
  for (const count of [0, Math.round(most / 2), most]) {
    parts.push(label(HISTOGRAM_LEFT - 8, countY(count) + 4, `${count}`, 'end'));
  }
  for (const kind of ['different', 'same'] as const) {
    const bars = histogram[kind].map((count, i) => {
      const left = round(scoreX(histogram.from + i * histogram.width));
      return `L${left} ${round(countY(count))}H${round(scoreX(histogram.from + (i + 1) * histogram.width))}`;
    });
    const base = `M${round(scoreX(-1))} ${round(countY(0))}`;
    parts.push(
      `<path d="${base}${bars.join('')}V${round(countY(0))}Z" fill="${COLORS[kind]}" fill-opacity="0.45" stroke="${COLORS[kind]}"/>`,
    );
  }
  const line = threshold === null ? [] : [thresholdLine(scoreX(threshold), threshold)];
  return [...parts, ...legend(), ...line];
}

function legend(): string[] {
  return (['different', 'same'] as const).flatMap((kind, i) => {
    const x = HISTOGRAM_LEFT + PLOT.width - 170 + i * 100;
    return [
      `<rect x="${x}" y="${PLOT.top - 19}" width="11" height="11" fill="${COLORS[kind]}" fill-opacity="0.6"/>`,
      label(x + 16, PLOT.top - 9, kind, 'start'),
    ];
  });
}

function thresholdLine(x: number, cosine: number): string {
  const at = round(x);
  return (
    `<line x1="${at}" y1="${PLOT.top}" x2="${at}" y2="${PLOT.top + PLOT.height}" stroke="${COLORS.text}" stroke-dasharray="4 3"/>` +
    label(x + 5, PLOT.top + 14, `threshold ${cosine.toFixed(3)}`, 'start')
  );
}

function frame(left: number, title: string, axis: string): string[] {
  return [
    textAt(left, PLOT.top - 9, title, 'font-weight="600"'),
    `<rect x="${left}" y="${PLOT.top}" width="${PLOT.width}" height="${PLOT.height}" fill="#fafbfc" stroke="#aab3bf"/>`,
    label(left + PLOT.width / 2, PLOT.top + PLOT.height + 40, axis, 'middle'),
  ];
}

const gridLine = (x1: number, y1: number, x2: number, y2: number): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="#e3e8ee"/>`;

const label = (x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end'): string =>
  textAt(x, y, text, `text-anchor="${anchor}" font-size="12" fill="${COLORS.muted}"`);

function textAt(x: number, y: number, text: string, attributes: string, longest = 200): string {
  const short = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeXml(short)}</text>`;
}

const round = (value: number): string => String(Math.round(value * 100) / 100);

const percent = (value: number | null): string =>
  value === null ? '–' : `${(value * 100).toFixed(2)} %`;

/** File names come from outside: no markup, no characters that XML forbids. */
function escapeXml(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, '?')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}
