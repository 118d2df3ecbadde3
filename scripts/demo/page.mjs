/** Results to one HTML page that needs nothing else: pictures are data: URIs, no scripts, no fonts. */
import { escapeXml, layersSvg, stageTotals } from './layers.mjs';
import { cropSymbols, matrixSvg } from './matrix.mjs';
import { pngDataUri } from './png.mjs';

const STYLE = `
:root { color-scheme: light; --ink: #1c2733; --soft: #5b6875; --line: #e3e8ee; --same: #d9730d; }
body { margin: 0 auto; max-width: 880px; padding: 48px 24px 80px; background: #fff; color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 56px 0 8px; }
p { margin: 0 0 14px; max-width: 68ch; }
.soft, figcaption { color: var(--soft); font-size: 14px; }
dl { display: grid; grid-template-columns: repeat(4, 1fr); gap: 0; margin: 28px 0 0; padding: 0;
  border: 1px solid var(--line); border-radius: 8px; }
dl div { padding: 14px 18px; } dl div + div { border-left: 1px solid var(--line); }
dt { color: var(--soft); font-size: 13px; } dd { margin: 0; font-size: 24px; font-variant-numeric: tabular-nums; }
dd small { font-size: 14px; color: var(--soft); }
figure { margin: 20px 0 0; } figure svg { display: block; max-width: 100%; height: auto; }
svg text { font-size: 11px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .on-light text { font-size: 10px; } svg .on-dark text { font-size: 10px; fill: #fff; }
.groups { display: flex; flex-wrap: wrap; gap: 20px; margin-top: 20px; }
.group { border: 1px solid var(--line); border-radius: 8px; padding: 12px; }
.group svg { border-radius: 4px; } .group .faces { display: flex; gap: 8px; }
.face { text-align: center; font-size: 12px; color: var(--soft); } .face svg { display: block; }
.group p { margin: 8px 0 0; font-size: 13px; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; margin-top: 16px; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 28px 5px 0; text-align: left; border-bottom: 1px solid var(--line); }
th { font-weight: 500; color: var(--soft); } td.number, th.number { text-align: right; }
i.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 8px; }
.note { border-left: 3px solid var(--same); padding: 2px 0 2px 14px; }
`;

/**
 * @param result { faces, photos, cosines, groups, threshold, trained: { name, ms, isa, threads },
 *   r100: { ms, layers, low, high } }
 */
export function renderPage(result) {
  const { faces, cosines, threshold } = result;
  const uris = faces.map(({ crop }) => pngDataUri(crop));
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>arcface-wasm: who is who</title><style>${STYLE}</style>
${cropSymbols(faces, uris)}
<h1>Who is who</h1>
<p>${faces.length} faces from ${result.photos} photographs, aligned to 112×112 and turned into embeddings by
arcface-wasm. Two faces are taken for the same person where the cosine of their embeddings reaches
${threshold.cosine.toFixed(2)}.</p>
${facts(result)}
<h2>Similarity of every pair</h2>
<p class="soft">Outlined: cosine at or above ${threshold.cosine.toFixed(2)} (${escapeXml(threshold.source)}:
${escapeXml(threshold.stated)}). It was published for ${escapeXml(threshold.model)}, not for the small network
used here, so take it as a rough guide. Labels name the photograph and the place from the left.</p>
<figure>${matrixSvg(faces, cosines, threshold.cosine)}</figure>
<h2>Same person, says the network</h2>
${groupCards(result)}
<h2>ResNet100, layer by layer</h2>
<p class="note">This network has seeded random weights: it shows speed, its vectors mean nothing. Any two of these
faces have a cosine from ${result.r100.low.toFixed(3)} to ${result.r100.high.toFixed(3)} in it.</p>
<figure>${layersSvg(result.r100.layers)}
<figcaption>Milliseconds per layer of one face in the order of the network, one thread, median of five runs. Point at a bar for its name and kernel.</figcaption></figure>
${stageTable(result.r100.layers)}
<h2>Sources</h2>
<p class="soft">Photographs, face detector and 68-point landmarks: @vladmandic/face-api (MIT). Trained network:
faceplugin-face-recognition-js, model/fr_feature.onnx (MIT), which takes BGR. Both are development dependencies, not part of the package.</p>
</html>
`;
}

function facts({ faces, trained, r100 }) {
  const fact = (name, value) => `<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return `<dl>${fact('faces', faces.length)}${fact('trained MobileFaceNet', `${trained.ms.toFixed(1)} <small>ms per face</small>`)}${fact(
    'ResNet100, seeded',
    `${r100.ms.toFixed(0)} <small>ms per face</small>`,
  )}${fact('kernels', `${escapeXml(trained.isa)} <small>${trained.threads} thread${trained.threads === 1 ? '' : 's'}</small>`)}</dl>`;
}

function groupCards({ faces, groups, cosines }) {
  if (groups.length === 0) return '<p>No two faces reach the threshold.</p>';
  const cards = groups.map((group) => {
    const shown = group.map(
      (i) =>
        `<div class="face"><svg width="84" height="84"><use href="#face-${faces[i].label}" width="84" height="84"/></svg>${faces[i].label}</div>`,
    );
    const pairs = group.flatMap((i, k) =>
      group
        .slice(k + 1)
        .map((j) => `${faces[i].label}–${faces[j].label} ${cosines[i][j].toFixed(3)}`),
    );
    return `<div class="group"><div class="faces">${shown.join('')}</div><p class="soft">${pairs.slice(0, 6).join('<br>')}</p></div>`;
  });
  return `<div class="groups">${cards.join('')}</div>`;
}

function stageTable(layers) {
  const rows = stageTotals(layers).map(
    ({ name, colour, count, ms, share }) =>
      `<tr><td><i class="key" style="background:${colour}"></i>${name}</td><td class="number">${count}</td><td class="number">${ms.toFixed(1)}</td><td class="number">${(100 * share).toFixed(1)} %</td></tr>`,
  );
  return `<table><tr><th>part</th><th class="number">layers</th><th class="number">ms</th><th class="number">share</th></tr>${rows.join('')}</table>`;
}
