/**
 * `npm run soak -- [options]`: does memory come back? Many embeddings of one model, and many models loaded, used
 * and disposed; each kind with each number of threads in a process of its own. Prints a row for each: resident
 * memory after a warm-up, the most in between, and at the end. Ends with 1 if one is not back within 10 %.
 *
 *   --embeddings <n>   of one small network (default 100000)
 *   --cycles <n>       load, embed, dispose (default 500)
 *   --threads <1,3>    numbers of threads
 *   --json             the rows as JSON
 *   --leak             keeps every model: what the figures say then
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CHILD = fileURLToPath(new URL('./soak/child.mjs', import.meta.url));
const WITHIN = 1.1;
/** What one or two collections more or less make of a process this small. */
const NOISE_MB = 8;

function main(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      embeddings: { type: 'string', default: '100000' },
      cycles: { type: 'string', default: '500' },
      threads: { type: 'string', default: '1,3' },
      json: { type: 'boolean', default: false },
      leak: { type: 'boolean', default: false },
    },
  });
  if (!process.env.SKIP_BUILD) {
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: ROOT, stdio: 'inherit' });
  }
  const rows = values.threads
    .split(',')
    .flatMap((threads) =>
      ['embeddings', 'cycles']
        .filter((kind) => Number(values[kind]) > 0)
        .map((kind) => judge(kind, threads, measure(kind, values[kind], threads, values.leak))),
    );
  if (values.json) console.log(JSON.stringify(rows));
  else print(rows);
  process.exitCode = rows.every(({ back }) => back) ? 0 : 1;
}

/** @returns {{count: number, baseMb: number, peakMb: number, endMb: number, seconds: number}} */
function measure(kind, count, threads, leak) {
  const args = ['--expose-gc', CHILD, kind, count, threads, leak ? 'leak' : ''];
  const { stdout, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`soak: ${kind} with ${threads} threads ended with ${status}`);
  return JSON.parse(stdout);
}

function judge(kind, threads, measured) {
  const { baseMb, endMb } = measured;
  const back = endMb <= Math.max(baseMb * WITHIN, baseMb + NOISE_MB);
  return { kind, threads: Number(threads), ...measured, back };
}

function print(rows) {
  const head = ['what', 'threads', 'times', 'warm MB', 'most MB', 'end MB', 'change', 'seconds'];
  const cells = rows.map((row) => [
    row.kind,
    row.threads,
    row.count,
    row.baseMb.toFixed(1),
    row.peakMb.toFixed(1),
    row.endMb.toFixed(1),
    `${((row.endMb / row.baseMb - 1) * 100).toFixed(1)} %${row.back ? '' : ' !'}`,
    row.seconds.toFixed(0),
  ]);
  for (const line of [head, ...cells]) {
    console.log(line.map((cell, i) => (i ? String(cell).padStart(9) : cell.padEnd(11))).join(''));
  }
}

main(process.argv.slice(2));
