/**
 * Whole networks: this engine against its peers, on the same ONNX and the same face, for each number
 * of threads; then faces in batches; then cost against MACs over the depths.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tracked } from './lib/children.mjs';
import { MODEL_NAMES, prepareModel } from './lib/models.mjs';
import { measurePeak } from './lib/peak.mjs';
import { gmacs, ms, percent, printTable, times } from './lib/report.mjs';

const CONTEST = fileURLToPath(new URL('model/contest.mjs', import.meta.url));

export async function benchModels({ models = MODEL_NAMES, threads, runs = 15, peers }) {
  const peak = await measurePeak();
  console.log(`peak of mul + add, one thread: ${peak.gmacs.toFixed(1)} GMAC/s`);
  const contests = [];
  for (const name of models) {
    const files = await prepareModel(name);
    for (const count of threads) {
      const batches = count === threads[0];
      const result = await runContest({ files, threads: count, runs, peers, batches });
      printContest(result, peak.gmacs);
      contests.push(result);
    }
  }
  printDepths(contests, threads[0]);
  return { peakGmacs: peak.gmacs, runs, contests };
}

/** In a process of its own; its failure is ours. */
function runContest(contest) {
  const child = tracked(
    fork(CONTEST, [JSON.stringify(contest)], { stdio: ['ignore', 2, 2, 'ipc'] }),
  );
  return new Promise((resolve, reject) => {
    let result;
    child.once('message', (message) => {
      result = message;
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (result) resolve(result);
      else reject(new Error(`model bench of ${contest.files.name} ended with ${code}`));
    });
  });
}

function printContest({ model, threads, macs, rows, skipped, batches }, peak) {
  const [ours] = rows;
  printTable(
    `${model}, ${threads} thread${threads > 1 ? 's' : ''}, one face, ${macs.toLocaleString('en-US')} MACs`,
    [
      ['engine', (row) => row.name],
      ['ms', (row) => ms(row.timing.median)],
      ['min', (row) => ms(row.timing.min)],
      ['p95', (row) => ms(row.timing.p95)],
      ['spread', (row) => percent(row.timing.spread)],
      // The quotient of the same round, so drift of the machine falls out.
      ['time / ours', (row) => times(row.ratio)],
      ['GMAC/s', (row) => gmacs(macs, row.timing.median)],
      [
        'of peak',
        (row) => percent(macs / row.timing.median / 1e6 / (peak * threadsOf(row, threads))),
      ],
      [
        'differs by',
        (row) =>
          row.agreement?.maxDifference.toExponential(1) ?? (row.isTruth ? 'compared with' : ''),
      ],
    ],
    rows,
  );
  for (const { name, skipped: reason } of skipped) console.log(`${name}: skipped, ${reason}`);
  if (!ours.agreement) console.log('no peer ran: the result of this engine was compared with none');
  if (batches) printBatches(model, threads, batches);
}

const threadsOf = (row, threads) => (row.name.endsWith('1 thread') ? 1 : threads);

function printBatches(model, threads, batches) {
  printTable(
    `${model}, ${threads} thread${threads > 1 ? 's' : ''}, batches`,
    [
      ['faces', (row) => row.size],
      ['ms per face', (row) => ms(row.perFace.median)],
      ['of one alone', (row) => row.ratio.toFixed(2)],
    ],
    batches,
  );
}

/** Cost should follow MACs: where GMAC/s falls, the layer bench of that model says why. */
function printDepths(contests, threads) {
  const rows = contests.filter((contest) => contest.threads === threads);
  if (rows.length < 2) return;
  printTable(
    `Cost against MACs, ${threads} thread${threads > 1 ? 's' : ''}`,
    [
      ['model', (row) => row.model],
      ['GMAC', (row) => (row.macs / 1e9).toFixed(2)],
      ['ms', (row) => ms(row.rows[0].timing.median)],
      ['GMAC/s', (row) => gmacs(row.macs, row.rows[0].timing.median)],
      ...rows[0].rows
        .slice(1)
        .map(({ name }) => [
          `${name} / ours`,
          (row) => times(row.rows.find((other) => other.name === name)?.ratio),
        ]),
    ],
    rows,
  );
}
