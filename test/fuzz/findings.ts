/** Findings on disk: a folder each, with the input and how to see it again. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Verdict } from './probe.ts';
import type { Reader } from './reader.ts';
import { type Finding, judge } from './subject.ts';

const RECORD = 'finding.json';

/** Returns the command that runs the case again. */
export function writeFinding(folder: string, finding: Finding): string {
  const { subject, seed, index, files } = finding;
  if (files === undefined)
    return `npm run fuzz -- --only ${subject} --seed ${seed} --case ${index}`;
  const path = join(folder, `${subject}-${seed}-${index}`);
  mkdirSync(path, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes);
  const { fault, detail } = finding;
  const record = { subject, seed, index, fault, detail, files: Object.keys(files) };
  writeFileSync(join(path, RECORD), `${JSON.stringify(record, null, 2)}\n`);
  return `npm run fuzz -- --replay ${path}`;
}

export async function replay(path: string, readers: readonly Reader[]): Promise<Verdict> {
  const record = JSON.parse(readFileSync(join(path, RECORD), 'utf8')) as Finding & {
    files: string[];
  };
  const reader = readers.find(({ name }) => name === record.subject);
  if (reader === undefined) throw new Error(`${path}: no reader "${record.subject}"`);
  const files = record.files.map((name) => new Uint8Array(readFileSync(join(path, name))));
  return judge(reader, files);
}
