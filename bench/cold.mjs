/**
 * What a process pays before its first embedding: time, load, peak RSS, linear memory. Fresh
 * processes of this engine and of onnxruntime alternately, model files in the page cache of all.
 */

import { runCold } from './cold/run.mjs';
import { requireAgreement } from './lib/agree.mjs';
import { medianOf, pairedRatio, summarise } from './lib/measure.mjs';
import { prepareModel } from './lib/models.mjs';
import { megabytes, ms, printTable, times } from './lib/report.mjs';

const OURS = 'arcface-wasm';

export async function benchCold({ models = ['r100'], runs = 5, peers }) {
  const rivals = peers.filter((name) => name.startsWith('onnxruntime'));
  const results = [];
  for (const name of models) {
    const files = await prepareModel(name);
    const result = await benchOne(files, rivals, runs);
    print(name, result);
    results.push({ model: name, ...result });
  }
  return { runs, models: results };
}

async function benchOne({ weights, onnx }, rivals, runs) {
  const engines = [OURS, ...rivals];
  const reports = new Map(engines.map((engine) => [engine, []]));
  const skipped = [];
  // Round -1 brings the files into the page cache and shows which peers run at all.
  for (let round = -1; round < runs; round++) {
    for (const engine of [...reports.keys()]) {
      try {
        const report = await runCold(engine, engine === OURS ? weights : onnx);
        if (round >= 0) reports.get(engine).push(report);
      } catch (error) {
        if (engine === OURS || round >= 0) throw error;
        reports.delete(engine);
        skipped.push({ name: engine, skipped: error.message });
      }
    }
  }
  checkAll(reports);
  return { rows: [...reports].map(([name, own]) => rowOf(name, own, reports.get(OURS))), skipped };
}

function checkAll(reports) {
  const [ours, ...others] = [...reports].map(([name, [first]]) => ({ name, ...first }));
  for (const { name, embedding } of others) requireAgreement(name, embedding, ours.embedding);
}

function rowOf(name, own, ours) {
  const column = (key) => own.map((report) => report[key]);
  const ratio = (key) =>
    pairedRatio(
      column(key),
      ours.map((report) => report[key]),
    );
  return {
    name,
    cold: summarise(column('coldMs')),
    loadMs: medianOf(column('loadMs')),
    firstMs: medianOf(column('firstMs')),
    startMs: medianOf(column('startMs')),
    peakRssBytes: medianOf(column('peakRssBytes')),
    wasmBytes: medianOf(column('wasmBytes')),
    ratio: ratio('coldMs'),
    rssRatio: ratio('peakRssBytes'),
  };
}

function print(model, { rows, skipped }) {
  printTable(
    `${model}, cold process to first embedding, one thread, files in the page cache`,
    [
      ['engine', (row) => row.name],
      ['cold ms', (row) => ms(row.cold.median)],
      ['/ ours', (row) => times(row.ratio)],
      ['start ms', (row) => ms(row.startMs)],
      ['load ms', (row) => ms(row.loadMs)],
      ['first ms', (row) => ms(row.firstMs)],
      ['peak RSS MB', (row) => megabytes(row.peakRssBytes)],
      ['RSS / ours', (row) => times(row.rssRatio)],
      ['wasm MB', (row) => (row.wasmBytes > 0 ? megabytes(row.wasmBytes) : '-')],
    ],
    rows,
  );
  for (const { name, skipped: reason } of skipped) console.log(`${name}: skipped, ${reason}`);
}
