/** Time per layer of one run as an SVG bar chart in network order, coloured by stage. */

const WIDTH = 880;
const HEIGHT = 190;
const BASE = 160;
const COLOURS = ['#8a94a0', '#0b4f8a', '#2f86c5', '#7db8e0', '#1f9e89', '#8a94a0'];
const NAMES = ['stem', 'stage 1', 'stage 2', 'stage 3', 'stage 4', 'head'];

/** 0 stem, 1..4 stages, 5 head, by the layer's name and place. */
export function stagesOf(layers) {
  let seen = 0;
  return layers.map(({ name }) => {
    const match = /(?:stage|layer)_?([1-4])/.exec(name);
    if (match) seen = Number(match[1]);
    return match ? seen : seen === 0 ? 0 : 5;
  });
}

export function layersSvg(layers) {
  const stages = stagesOf(layers);
  const longest = Math.max(...layers.map(({ ms }) => ms));
  const step = (WIDTH - 40) / layers.length;
  const bars = layers.map(({ name, op, kernel, ms }, i) => {
    const height = Math.max(0.5, (ms / longest) * (BASE - 20));
    return (
      `<rect x="${(40 + i * step).toFixed(2)}" y="${(BASE - height).toFixed(2)}" width="${Math.max(1, step - 1.5).toFixed(2)}" height="${height.toFixed(2)}" fill="${COLOURS[stages[i]]}">` +
      `<title>${escapeXml(`${name} (${op}, ${kernel}): ${ms.toFixed(2)} ms`)}</title></rect>`
    );
  });
  const marks = [0, 0.5, 1].map((share) => {
    const y = BASE - share * (BASE - 20);
    return (
      `<line x1="36" x2="${WIDTH}" y1="${y}" y2="${y}" stroke="#e3e8ee"/>` +
      `<text x="32" y="${y + 4}" text-anchor="end">${(share * longest).toFixed(longest < 10 ? 1 : 0)}</text>`
    );
  });
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="Milliseconds per layer">` +
    `${marks.join('')}${bars.join('')}${stageLabels(stages, step)}<text x="0" y="10">ms</text></svg>`
  );
}

/** Names of the four stages below their bars; stem and head are too narrow for one. */
function stageLabels(stages, step) {
  return [1, 2, 3, 4]
    .filter((stage) => stages.includes(stage))
    .map((stage) => {
      const middle = 40 + ((stages.indexOf(stage) + stages.lastIndexOf(stage) + 1) / 2) * step;
      return `<text x="${middle.toFixed(1)}" y="${BASE + 18}" text-anchor="middle">${NAMES[stage]}</text>`;
    })
    .join('');
}

/** Rows of [name, layers, ms, share], in order of the network. */
export function stageTotals(layers) {
  const stages = stagesOf(layers);
  const total = layers.reduce((sum, { ms }) => sum + ms, 0);
  return NAMES.map((name, stage) => {
    const of = layers.filter((_, i) => stages[i] === stage);
    const ms = of.reduce((sum, layer) => sum + layer.ms, 0);
    return { name, colour: COLOURS[stage], count: of.length, ms, share: total ? ms / total : 0 };
  }).filter(({ count }) => count > 0);
}

export function escapeXml(text) {
  return text.replace(
    /[&<>"]/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c],
  );
}
