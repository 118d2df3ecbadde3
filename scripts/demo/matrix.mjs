/** The similarity matrix as an SVG picture: one cell per pair of faces, crops along both edges. */

const CELL = 34;
const CROP = 34;
const GAP = 8;
const NONE = [247, 249, 252];
const FULL = [11, 79, 138];

/** Symbols of the crops, to be placed once in the page; `use` shows them anywhere. */
export function cropSymbols(faces, uris) {
  const symbols = faces.map(
    ({ label }, i) =>
      `<symbol id="face-${label}" viewBox="0 0 112 112"><image width="112" height="112" href="${uris[i]}"/></symbol>`,
  );
  return `<svg width="0" height="0" aria-hidden="true" style="position:absolute">${symbols.join('')}</svg>`;
}

export function crop(label, x, y, size) {
  return `<use href="#face-${label}" x="${x}" y="${y}" width="${size}" height="${size}"/>`;
}

export function matrixSvg(faces, cosines, threshold) {
  const origin = 24 + CROP + GAP;
  const side = origin + faces.length * CELL + 2;
  const parts = [];
  for (const [i, { label }] of faces.entries()) {
    const at = origin + i * CELL;
    const middle = at + CELL / 2;
    parts.push(
      crop(label, 24, at + 1, CROP - 2),
      crop(label, at + 1, 24, CROP - 2),
      `<text x="18" y="${middle + 4}" text-anchor="end">${label}</text>`,
      `<text x="${middle}" y="17" text-anchor="middle">${label}</text>`,
    );
  }
  faces.forEach((row, i) => {
    faces.forEach((column, j) => {
      if (i !== j)
        parts.push(
          cell(
            origin + j * CELL,
            origin + i * CELL,
            cosines[i][j],
            threshold,
            `${row.label} and ${column.label}`,
          ),
        );
    });
  });
  return `<svg viewBox="0 0 ${side} ${side}" width="${side}" height="${side}" role="img" aria-label="Cosine of every pair of faces">${parts.join('')}</svg>`;
}

function cell(x, y, cosine, threshold, pair) {
  const share = Math.min(1, Math.max(0, cosine));
  const same = cosine >= threshold;
  const inset = same ? 2 : 0.5;
  const outline = same ? ' stroke="#d9730d" stroke-width="3"' : '';
  const size = CELL - 2 * inset;
  const ground = share > 0.45 ? 'on-dark' : 'on-light';
  return (
    `<g class="${ground}"><title>${pair}: ${cosine.toFixed(4)}</title>` +
    `<rect x="${x + inset}" y="${y + inset}" width="${size}" height="${size}" rx="2" fill="${shade(share)}"${outline}/>` +
    `<text x="${x + CELL / 2}" y="${y + CELL / 2 + 3.5}" text-anchor="middle">${short(cosine)}</text></g>`
  );
}

function shade(share) {
  return `rgb(${NONE.map((from, k) => Math.round(from + (FULL[k] - from) * share)).join(',')})`;
}

/** '.42', '−.07': the leading zero would not fit. */
function short(cosine) {
  const text = Math.abs(cosine).toFixed(2).replace(/^0/, '');
  return cosine <= -0.005 ? `−${text}` : text;
}
