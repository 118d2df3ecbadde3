/**
 * Every 3x3 convolution of a network by every algorithm that has a kernel for it: direct and each
 * Winograd tile, the whole network by each in turn, so that weights come from where they come from in
 * earnest. Shows how good the choice of `src/compile/winograd-cost.ts` is.
 */

import { requireAgreement } from './lib/agree.mjs';
import { shapeOf } from './lib/layers.mjs';
import { medianOf } from './lib/measure.mjs';
import { prepareModel, seededFace } from './lib/models.mjs';
import { ms, printTable } from './lib/report.mjs';
import { prepareVariants } from './lib/variants.mjs';

const WARMUPS = 2;

export async function benchTiles({ models = ['r100'], runs = 15 }) {
  const results = {};
  for (const name of models) {
    const { weights } = await prepareModel(name);
    results[name] = compareVariants(prepareVariants(weights), runs);
    print(name, results[name]);
  }
  return { runs, models: results };
}

/** Rows of layers of equal shape: milliseconds of one layer by each algorithm, paired by round. */
function compareVariants({ network, shapes, variants, run }, runs) {
  const face = seededFace();
  const [first, ...others] = variants.map((variant) => run(variant, face));
  others.forEach((output, i) => {
    requireAgreement(variants[i + 1].name, output, first);
  });
  const rows = rowsOf(network, shapes, variants);
  for (let round = -WARMUPS; round < runs; round++) {
    for (const variant of variants) {
      run(variant, face);
      if (round >= 0) collect(rows, variant);
    }
  }
  return rows.map((row) => summarise(row, variants));
}

function rowsOf(network, shapes, variants) {
  const rows = new Map();
  for (const op of network.ops) {
    if (op.op !== 'conv' || op.kernel.some((size) => size !== 3) || op.group !== 1) continue;
    const plain = { ...op, inputs: [op.inputs[0]] };
    const shape = shapeOf(plain, shapes.get(op.inputs[0]), shapes.get(op.name));
    const samples = Object.fromEntries(variants.map(({ name }) => [name, []]));
    const row = rows.get(shape) ?? { shape, names: new Set(), samples, kernels: new Map() };
    row.names.add(op.name);
    for (const { name, plan } of variants) {
      row.kernels.set(name, plan.layers.find((layer) => layer.name === op.name).reason);
    }
    rows.set(shape, row);
  }
  return [...rows.values()];
}

function collect(rows, { name, plan, stepMs }) {
  for (const row of rows) {
    const time = plan.steps.reduce(
      (sum, step, i) => sum + (row.names.has(step.name) ? stepMs[i] : 0),
      0,
    );
    row.samples[name].push(time / row.names.size);
  }
}

/** An algorithm that has no kernel for a shape ran it directly: no figure. */
function summarise({ shape, names, samples, kernels }, variants) {
  const algorithms = variants.filter(
    ({ name }) =>
      name === 'direct' || name === 'chosen' || kernels.get(name) !== kernels.get('direct'),
  );
  const layerMs = Object.fromEntries(algorithms.map(({ name }) => [name, medianOf(samples[name])]));
  return { shape, count: names.size, choice: kernels.get('chosen'), layerMs, samples };
}

function print(name, rows) {
  const columns = ['direct', 'F(4x4)', 'F(5x5)', 'F(6x6)', 'chosen'];
  printTable(
    `${name}, one thread: ms of one layer by each algorithm, whole networks in turn`,
    [
      ['layer', (row) => row.shape],
      ['count', (row) => row.count],
      ...columns.map((column) => [column, (row) => ms(row.layerMs[column])]),
      ['choice', (row) => row.choice],
    ],
    rows,
  );
}
