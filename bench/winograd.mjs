/**
 * Every 3x3 convolution of a network directly and as the cost model of `src/compile/winograd-cost.ts`
 * chooses, the whole network by each in turn, so that weights come from where they come from in earnest.
 */

import { requireAgreement } from './lib/agree.mjs';
import { shapeOf } from './lib/layers.mjs';
import { medianOf } from './lib/measure.mjs';
import { prepareModel, seededFace } from './lib/models.mjs';
import { ms, printTable, times } from './lib/report.mjs';
import { prepareVariants } from './lib/variants.mjs';

const WARMUPS = 2;

export async function benchWinograd({ models = ['r100'], runs = 15 }) {
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
  return rows.map(summarise);
}

function rowsOf(network, shapes, variants) {
  const rows = new Map();
  for (const op of network.ops) {
    if (op.op !== 'conv' || op.kernel.some((size) => size !== 3) || op.group !== 1) continue;
    const plain = { ...op, inputs: [op.inputs[0]] };
    const shape = shapeOf(plain, shapes.get(op.inputs[0]), shapes.get(op.name));
    const samples = Object.fromEntries(variants.map(({ name }) => [name, []]));
    const row = rows.get(shape) ?? { shape, names: new Set(), samples };
    row.names.add(op.name);
    const chosen = variants.find(({ name }) => name === 'chosen');
    row.choice = chosen.plan.layers.find((layer) => layer.name === op.name).reason;
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

function summarise({ shape, names, samples, choice }) {
  const layerMs = Object.fromEntries(
    Object.entries(samples).map(([name, own]) => [name, medianOf(own)]),
  );
  return { shape, count: names.size, choice, layerMs, samples };
}

function print(name, rows) {
  printTable(
    `${name}, one thread: ms of one layer, whole networks in turn`,
    [
      ['layer', (row) => row.shape],
      ['count', (row) => row.count],
      ['direct', (row) => ms(row.layerMs.direct)],
      ['chosen', (row) => ms(row.layerMs.chosen)],
      ['gain', (row) => times(row.layerMs.direct / row.layerMs.chosen)],
      ['choice', (row) => row.choice],
    ],
    rows,
  );
}
