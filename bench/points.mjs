/**
 * How much a set of Cook-Toom points amplifies rounding in F(m, r), and which sets of F(7, 3) amplify
 * least. Arithmetic only, the same anywhere.
 *
 *   node bench/points.mjs
 *
 * With random inputs and filters a product at point i has the variance |row i of B^T|^2 |row i of G|^2,
 * and enters output k with the factor A^T[k][i]: output k is amplified by the sum of their products, the
 * tile by the sum over k. In two dimensions amplifications multiply; rounding errors grow with their root.
 */

/** Rows of B^T, G and A^T at finite `points` and infinity. */
function matrices(points, outputs, taps) {
  const size = outputs + taps - 1;
  const product = (roots) =>
    roots.reduce((p, root) => p.concat(0).map((_, i) => (p[i - 1] ?? 0) - root * (p[i] ?? 0)), [1]);
  const padded = (row) => [...row, ...Array(size - row.length).fill(0)];
  const others = points.map((_, i) => points.filter((_, j) => j !== i));
  const bt = [...others.map((roots) => padded(product(roots))), product(points)];
  const g = [
    ...points.map((p) => Array.from({ length: taps }, (_, k) => p ** k)),
    [...Array(taps - 1).fill(0), 1],
  ];
  const factors = points.map((p, i) => others[i].reduce((f, q) => f * (p - q), 1));
  const at = Array.from({ length: outputs }, (_, k) => [
    ...points.map((p, i) => p ** k / factors[i]),
    k === outputs - 1 ? 1 : 0,
  ]);
  return { bt, g, at };
}

const square = (row) => row.reduce((sum, value) => sum + value * value, 0);

function amplification(points, outputs, taps = 3) {
  const { bt, g, at } = matrices(points, outputs, taps);
  const variance = bt.map((row, i) => square(row) * square(g[i]));
  const perOutput = at.map((row) => row.reduce((sum, a, i) => sum + a * a * variance[i], 0));
  return { sum: perOutput.reduce((a, b) => a + b, 0), worst: Math.max(...perOutput) };
}

const mirrored = (points) => points.flatMap((p) => [p, -p]);

function show(label, { sum, worst }) {
  console.log(
    `${label.padEnd(42)} tile ${sum.toFixed(0).padStart(5)}   worst output ${worst.toFixed(0).padStart(5)}`,
  );
}

show('F(4, 3) at 0, +-1, +-2, infinity', amplification([0, ...mirrored([1, 2])], 4));
show('F(5, 3) at 0, +-1, +-2, 1/2, infinity', amplification([0, ...mirrored([1, 2]), 0.5], 5));
show('F(6, 3) at 0, +-1, +-2, +-1/2, infinity', amplification([0, ...mirrored([1, 2, 0.5])], 6));
show('F(7, 3) at the same and 4', amplification([0, ...mirrored([1, 2, 0.5]), 4], 7));
show('F(7, 2) at 0, +-1, +-2, +-1/2, infinity', amplification([0, ...mirrored([1, 2, 0.5])], 7, 2));

/** Sixteenths below 1, eighths to 2, quarters to 3: squares and products stay exact in f32. */
const candidates = [
  ...Array.from({ length: 14 }, (_, i) => (i + 2) / 16),
  ...Array.from({ length: 8 }, (_, i) => 1 + (i + 1) / 8),
  ...Array.from({ length: 4 }, (_, i) => 2 + (i + 1) / 4),
];

/** Sets +-a, +-b, +-c, +-`fixed`, infinity, by the product of both figures. */
function bestSets(fixed) {
  const found = [];
  candidates.forEach((a, i) => {
    candidates.slice(i + 1).forEach((b, j) => {
      for (const c of candidates.slice(i + j + 2)) {
        for (const d of fixed) {
          if (d <= c && fixed.length > 1) continue;
          found.push({ set: [a, b, c, d], ...amplification(mirrored([a, b, c, d]), 7) });
        }
      }
    });
  });
  return found.sort((x, y) => x.sum * x.worst - y.sum * y.worst);
}

console.log(
  '\nF(7, 3) at four pairs and infinity, one of them +-1, which takes no multiplication:',
);
for (const one of bestSets([1]).slice(0, 4)) show(`+-${one.set.join(' +-')}`, one);
console.log('\nF(7, 3) at any four pairs and infinity:');
for (const one of bestSets(candidates).slice(0, 4)) show(`+-${one.set.join(' +-')}`, one);
