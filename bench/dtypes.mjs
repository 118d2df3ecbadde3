/**
 * The dtypes of weights against each other: file, time, batch of 8, cold start, memory, distance to f32, and
 * recognition of a trained network. All alternately: faces in one process per network, cold starts in
 * fresh processes.
 */

import { execFileSync, fork } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCold } from './cold/run.mjs';
import { tracked } from './lib/children.mjs';
import { medianOf, pairedRatio } from './lib/measure.mjs';
import { DTYPES, prepareModel, prepareTrained } from './lib/models.mjs';
import { megabytes, ms, printTable } from './lib/report.mjs';

const CONTEST = fileURLToPath(new URL('dtypes/contest.mjs', import.meta.url));
const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

export async function benchDtypes({
  models = ['r100', 'mobilefacenet'],
  dtypes = DTYPES,
  threads,
  runs,
  lfw,
}) {
  const results = [];
  for (const name of models) {
    const files = [];
    for (const dtype of dtypes)
      files.push({ dtype, path: (await prepareModel(name, dtype)).weights });
    const rows = await runContest(files, threads[0], runs ?? 15);
    const cold = await coldStarts(files, Math.max(3, Math.ceil((runs ?? 15) / 3)));
    for (const [i, row] of rows.entries()) {
      Object.assign(row, cold[i], { bytes: statSync(files[i].path).size });
    }
    print(name, threads[0], rows);
    results.push({ model: name, threads: threads[0], rows });
  }
  return { models: results, recognition: lfw ? await recognition(dtypes, lfw) : undefined };
}

/** In a process of its own; its failure is ours. */
function runContest(files, threads, runs) {
  const child = tracked(
    fork(CONTEST, [JSON.stringify({ files, threads, runs })], {
      stdio: ['ignore', 2, 2, 'ipc'],
    }),
  );
  return new Promise((resolve, reject) => {
    let rows;
    child.once('message', (message) => {
      rows = message;
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (rows) resolve(rows);
      else reject(new Error(`dtypes bench ended with ${code}`));
    });
  });
}

/** Per file: median milliseconds from process start to first embedding, its share of the first file's, peak RSS. */
async function coldStarts(files, runs) {
  const reports = files.map(() => []);
  // Round -1 brings the files into the page cache.
  for (let round = -1; round < runs; round++) {
    for (const [i, { path }] of files.entries()) {
      const report = await runCold('arcface-wasm', path);
      if (round >= 0) reports[i].push(report);
    }
  }
  const column = (i, key) => reports[i].map((report) => report[key]);
  return files.map((_, i) => ({
    coldMs: medianOf(column(i, 'coldMs')),
    coldRatio: pairedRatio(column(i, 'coldMs'), column(0, 'coldMs')),
    peakRssBytes: medianOf(column(i, 'peakRssBytes')),
  }));
}

function print(name, threads, rows) {
  const share = (value) => value.toFixed(3);
  printTable(
    `${name}, ${threads} thread${threads > 1 ? 's' : ''}; shares are of ${rows[0].dtype}, paired`,
    [
      ['dtype', (row) => row.dtype],
      ['file MB', (row) => megabytes(row.bytes)],
      ['ms', (row) => ms(row.timing.median)],
      ['time', (row) => share(row.ratio)],
      ['batch of 8', (row) => share(row.batchRatio)],
      ['cold ms', (row) => ms(row.coldMs)],
      ['cold', (row) => share(row.coldRatio)],
      ['peak RSS MB', (row) => megabytes(row.peakRssBytes)],
      ['cosine to f32', (row) => row.cosine.toFixed(6)],
    ],
    rows,
  );
}

/** The LFW protocol on `lfw` by the trained network of the development dependencies. */
async function recognition(dtypes, lfw) {
  if (!existsSync(lfw)) throw new Error(`--lfw: expected an lfw.bin, found none at ${lfw}`);
  const rows = [];
  for (const dtype of dtypes) {
    const { name, weights } = await prepareTrained(dtype);
    const text = execFileSync(process.execPath, [CLI, 'evaluate', weights, lfw, '--json'], {
      maxBuffer: 2 ** 26,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { accuracy } = JSON.parse(text);
    rows.push({ model: name, dtype, accuracy });
  }
  printTable(
    'LFW protocol',
    [
      ['network', (row) => row.model],
      ['dtype', (row) => row.dtype],
      ['accuracy %', (row) => (row.accuracy * 100).toFixed(2)],
    ],
    rows,
  );
  return rows;
}
