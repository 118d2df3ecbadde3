/**
 * `npm run fuzz`: damaged files through every reader, and random networks through the kernels, until the time is
 * over or the process is interrupted. Prints one row per subject; writes each finding with the command that
 * shows it again. Ends with 1 if there is one.
 */

import { isMainThread } from 'node:worker_threads';
import { type FuzzOptions, parseFuzzArgs, USAGE, UsageError } from './args.ts';
import type { Tally } from './campaign.ts';
import { replay, writeFinding } from './findings.ts';
import { runCampaign } from './pool.ts';
import { allReaders } from './readers/all.ts';
import type { Subject } from './subject.ts';
import { allSubjects } from './subjects.ts';
import { startWorker } from './worker.ts';

const FINDINGS = '.cache/fuzz';
/** Findings of one subject that are written and printed. */
const MOST_TOLD = 10;

async function main(argv: readonly string[]): Promise<void> {
  const options = parseFuzzArgs(argv);
  if (options.replay !== undefined) return printVerdict(await replay(options.replay, allReaders()));
  const subjects = chosen(options);
  const names = subjects.map(({ name }) => name);
  if (options.list) return console.log(names.join('\n'));
  if (options.case !== undefined)
    return printVerdict(await (subjects[0] as Subject).run(options.seed, options.case));
  console.log(`seed ${options.seed}, Node ${process.version}`);
  const onSlice = process.stderr.isTTY ? showProgress : undefined;
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const campaign = { ...options, subjects: names, signal: stop.signal };
  const tallies = await runCampaign({ ...campaign, ...(onSlice && { onSlice }) });
  printTable(tallies);
  for (const finding of [...tallies.values()].flatMap(({ findings }) =>
    findings.slice(0, MOST_TOLD),
  )) {
    const command = writeFinding(FINDINGS, finding);
    console.log(`\n${finding.subject}: ${finding.fault}: ${finding.detail}\n  ${command}`);
    process.exitCode = 1;
  }
}

function chosen({ only }: FuzzOptions): Subject[] {
  const all = allSubjects();
  if (only.length === 0) return all;
  const readers = allReaders().map(({ name }) => name);
  const names = only.flatMap((name) => (name === 'readers' ? readers : [name]));
  return names.map((name) => {
    const found = all.find((subject) => subject.name === name);
    if (found) return found;
    const known = all.map((subject) => subject.name).join(', ');
    throw new UsageError(`--only: expected readers or some of ${known}, got "${name}"`);
  });
}

function printVerdict({
  outcome,
  fault,
  detail,
  ms,
  largest,
}: Awaited<ReturnType<Subject['run']>>): void {
  const found = fault === undefined ? '' : `, ${fault}: ${detail}`;
  console.log(`${outcome}, ${ms.toFixed(1)} ms, largest allocation ${largest} bytes${found}`);
  if (fault !== undefined) process.exitCode = 1;
}

function showProgress(tallies: ReadonlyMap<string, Tally>): void {
  const all = [...tallies.values()];
  const inputs = all.reduce((sum, tally) => sum + tally.inputs, 0);
  const found = all.reduce((sum, tally) => sum + tally.findings.length, 0);
  process.stderr.write(`\r${inputs} inputs, ${found} findings `);
}

function printTable(tallies: ReadonlyMap<string, Tally>): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  const rows = [...tallies].map(([name, tally]) => rowOf(name, tally));
  const total = rows.reduce((sum, row) => sum + Number(row[1]), 0);
  const head = ['subject', 'inputs', 'valid', 'slowest', 'largest', 'findings', 'refused'];
  for (const row of [head, ...rows, ['all', String(total)]]) {
    const [name = '', ...cells] = row;
    const columns = cells.map((cell, i) => (i === 5 ? `  ${cell}` : cell.padStart(10)));
    console.log(name.padEnd(10) + columns.join(''));
  }
}

function rowOf(name: string, tally: Tally): string[] {
  const { valid = 0, ...refused } = tally.outcomes;
  const codes = Object.entries(refused).map(([code, count]) => `${code} ${count}`);
  return [
    name,
    String(tally.inputs),
    String(valid),
    `${tally.slowestMs.toFixed(0)} ms`,
    `${(tally.largest / 1024).toFixed(0)} KB`,
    String(tally.findings.length + tally.repeated),
    codes.join(', '),
  ];
}

if (isMainThread) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    console.error(`fuzz: ${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  });
} else {
  startWorker();
}
