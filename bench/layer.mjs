/**
 * Every layer of a network by the engine's own profile: medians over runs, one thread. Prints a row
 * per distinct layer and draws R100's milliseconds to docs/r100-layers.svg.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { loadModel } from '../dist/index.js';
import { layerChart } from './lib/chart.mjs';
import { describeLayers } from './lib/layers.mjs';
import { describeRun } from './lib/machine.mjs';
import { medianOf } from './lib/measure.mjs';
import { prepareModel, seededFace } from './lib/models.mjs';
import { measurePeak } from './lib/peak.mjs';
import { gmacs, ms, percent, printTable } from './lib/report.mjs';

const CHART = 'docs/r100-layers.svg';
const WARMUPS = 3;

export async function benchLayers({ models = ['r100'], runs = 15, write }) {
  const peak = await measurePeak();
  const results = {};
  for (const name of models) {
    const layers = await profileModel(await prepareModel(name), runs);
    print(name, layers, peak.gmacs);
    results[name] = layers;
    if (name === 'r100' && write) draw(layers, runs);
  }
  return { peakGmacs: peak.gmacs, runs, models: results };
}

async function profileModel({ weights }, runs) {
  const model = await loadModel(weights);
  const layers = await describeLayers(model, weights);
  const samples = new Map(layers.map(({ name }) => [name, []]));
  const face = { data: seededFace(), layout: 'nchw', channels: 'rgb' };
  for (let run = -WARMUPS; run < runs; run++) {
    await model.embed(face, { profile: true });
    if (run < 0) continue;
    for (const { name, ms: time } of model.profile) samples.get(name).push(time);
  }
  model.dispose();
  for (const layer of layers) layer.ms = medianOf(samples.get(layer.name));
  return layers;
}

function print(name, layers, peak) {
  const rows = distinct(layers);
  const total = layers.reduce((sum, layer) => sum + layer.ms, 0);
  const macs = layers.reduce((sum, layer) => sum + layer.macs, 0);
  const all = { shape: 'all layers', kernel: '', count: layers.length, ms: total, macs };
  printTable(
    `${name}, one thread, layer by layer (sum of medians); peak of mul + add ${peak.toFixed(1)} GMAC/s`,
    [
      ['layer', (row) => row.shape],
      ['kernel', (row) => row.kernel],
      ['count', (row) => row.count],
      ['ms each', (row) => ms(row.ms / row.count)],
      ['ms', (row) => ms(row.ms)],
      ['of all', (row) => percent(row.ms / total)],
      // MACs of the definition: an algorithm with fewer products may exceed the peak.
      ['GMAC/s', (row) => (row.macs > 0 ? gmacs(row.macs, row.ms) : '')],
      ['of peak', (row) => (row.macs > 0 ? percent(row.macs / row.ms / 1e6 / peak) : '')],
    ],
    [...rows.sort((a, b) => b.ms - a.ms), all],
  );
}

/** Layers of equal shape and kernel are one row. */
function distinct(layers) {
  const rows = new Map();
  for (const { shape, kernel, ms: time, macs } of layers) {
    const key = `${shape} ${kernel}`;
    const row = rows.get(key) ?? { shape, kernel, count: 0, ms: 0, macs: 0 };
    rows.set(key, { ...row, count: row.count + 1, ms: row.ms + time, macs: row.macs + macs });
  }
  return [...rows.values()];
}

function draw(layers, runs) {
  const { machine, runtime } = describeRun();
  const total = layers.reduce((sum, layer) => sum + layer.ms, 0);
  const svg = layerChart(layers, {
    title: `ArcFace R100, layer by layer: ${total.toFixed(0)} ms for one face`,
    subtitle: `One thread, f32, medians of ${runs} runs. ${machine.cpu}, Node ${runtime.version}. Drawn by npm run bench -- layer.`,
  });
  mkdirSync('docs', { recursive: true });
  writeFileSync(CHART, svg);
  console.log(`-> ${CHART}`);
}
