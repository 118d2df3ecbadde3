/**
 * Where the milliseconds go, as SVG: one bar per layer in the order of the network, stages side by
 * side, colours by kernel. Text and shapes only; drawn for a light background.
 */

const WIDTH = 1200;
const HEIGHT = 520;
const PLOT = { left: 56, right: 32, top: 108, bottom: 96 };
const GAP = 28;
/** Told apart by people with any colour vision (Okabe and Ito). */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9', '#7f7f7f'];

/**
 * @param {import('./layers.mjs').Layer[]} layers
 * @param {{title: string, subtitle: string}} text
 */
export function layerChart(layers, { title, subtitle }) {
  const total = sum(layers);
  const colours = colourKernels(layers);
  const stages = groupByStage(layers);
  const top = niceCeiling(Math.max(...layers.map(({ ms }) => ms)));
  const inner = WIDTH - PLOT.left - PLOT.right - GAP * (stages.length - 1);
  const step = inner / layers.length;
  const parts = [head(title, subtitle), axis(top), legend(layers, colours, total)];
  let x = PLOT.left;
  for (const [stage, members] of stages) {
    const width = members.length * step;
    parts.push(
      stageBars(members, x, step, top, colours),
      stageLabel(stage, members, x, width, total),
    );
    x += width + GAP;
  }
  return `${parts.join('\n')}\n</svg>\n`;
}

function head(title, subtitle) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="13" fill="#24292f" role="img">
<title>${escapeText(title)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="${PLOT.left}" y="32" font-size="20" font-weight="600">${escapeText(title)}</text>
<text x="${PLOT.left}" y="54" fill="#57606a">${escapeText(subtitle)}</text>`;
}

function axis(top) {
  const lines = [];
  for (let i = 0; i <= 5; i++) {
    const value = (top / 5) * i;
    const y = yOf(value, top).toFixed(1);
    lines.push(
      `<line x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${y}" y2="${y}" stroke="#d8dee4"/>`,
      `<text x="${PLOT.left - 8}" y="${Number(y) + 4}" text-anchor="end" fill="#57606a">${trim(value)}</text>`,
    );
  }
  const middle = PLOT.top + plotHeight() / 2;
  lines.push(
    `<text transform="rotate(-90 16 ${middle})" x="16" y="${middle}" text-anchor="middle" fill="#57606a">ms per layer</text>`,
  );
  return lines.join('\n');
}

function legend(layers, colours, total) {
  let x = PLOT.left;
  const parts = [];
  for (const [kernel, colour] of colours) {
    const ms = sum(layers.filter((layer) => layer.kernel === kernel));
    const text = `${kernel}: ${ms.toFixed(1)} ms (${((ms / total) * 100).toFixed(0)} %)`;
    parts.push(
      `<rect x="${x}" y="72" width="13" height="13" rx="2" fill="${colour}"/>`,
      `<text x="${x + 19}" y="83">${escapeText(text)}</text>`,
    );
    x += 48 + text.length * 7;
  }
  return parts.join('\n');
}

function stageBars(members, x, step, top, colours) {
  const bars = members.map((layer, i) => {
    const y = yOf(layer.ms, top);
    const height = PLOT.top + plotHeight() - y;
    const gmacs = layer.macs > 0 ? `, ${(layer.macs / layer.ms / 1e6).toFixed(1)} GMAC/s` : '';
    const tip = `${layer.name}: ${layer.shape}, ${layer.kernel}, ${layer.ms.toFixed(2)} ms${gmacs}`;
    return `<rect x="${(x + i * step).toFixed(1)}" y="${y.toFixed(1)}" width="${(step * 0.84).toFixed(1)}" height="${height.toFixed(1)}" fill="${colours.get(layer.kernel)}"><title>${escapeText(tip)}</title></rect>`;
  });
  return bars.join('\n');
}

/** Narrow stages have their words one above the other, so that neighbours do not collide. */
function stageLabel(stage, members, x, width, total) {
  const ms = sum(members);
  const middle = x + width / 2;
  const base = PLOT.top + plotHeight();
  const lines = [
    stage,
    `${members.length} layer${members.length > 1 ? 's' : ''}`,
    `${ms.toFixed(1)} ms`,
    `${((ms / total) * 100).toFixed(0)} %`,
  ];
  const words = lines.map((line, i) => {
    const weight = i === 0 ? ' font-weight="600"' : '';
    return `<text x="${middle.toFixed(1)}" y="${base + 22 + i * 18}" text-anchor="middle"${weight}>${line}</text>`;
  });
  const bar = `<line x1="${x.toFixed(1)}" x2="${(x + width).toFixed(1)}" y1="${base}" y2="${base}" stroke="#57606a"/>`;
  return [bar, ...words].join('\n');
}

function colourKernels(layers) {
  const totals = new Map();
  for (const { kernel, ms } of layers) totals.set(kernel, (totals.get(kernel) ?? 0) + ms);
  const kernels = [...totals].sort((a, b) => b[1] - a[1]).map(([kernel]) => kernel);
  return new Map(kernels.map((kernel, i) => [kernel, COLOURS[Math.min(i, COLOURS.length - 1)]]));
}

function groupByStage(layers) {
  const stages = new Map();
  for (const layer of layers) stages.set(layer.stage, [...(stages.get(layer.stage) ?? []), layer]);
  return [...stages];
}

/** 1, 2, 2.5 or 5 times a power of ten, at least `value`. */
function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].map((factor) => factor * power).find((c) => c >= value);
}

const plotHeight = () => HEIGHT - PLOT.top - PLOT.bottom;
const yOf = (ms, top) => PLOT.top + plotHeight() * (1 - ms / top);
const sum = (layers) => layers.reduce((ms, layer) => ms + layer.ms, 0);
const trim = (value) => Number(value.toFixed(2));
const escapeText = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
