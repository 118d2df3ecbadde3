/** The arguments of `npm run fuzz`. Refuses what it does not know. */

import { parseArgs } from 'node:util';

export const USAGE = `npm run fuzz -- <seconds> [options]

  --seed <n>         of all cases; a new one each time if absent, and printed
  --only <a,b>       readers by name, or networks (the kernels on random networks); "readers": all of them
  --inputs <n>       stops after so many inputs, an equal part of them for each subject
  --workers <n>      threads (default 1)
  --case <n>         one case of one subject (--only) and --seed
  --replay <folder>  a finding that was written
  --list             names of all subjects`;

export interface FuzzOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly only: readonly string[];
  readonly inputs: number;
  readonly workers: number;
  readonly case?: number;
  readonly replay?: string;
  readonly list: boolean;
}

export class UsageError extends Error {}

export function parseFuzzArgs(argv: readonly string[]): FuzzOptions {
  const { values, positionals } = parse(argv);
  const [seconds, ...more] = positionals;
  if (more.length > 0)
    throw new UsageError(`expected one number of seconds, got ${positionals.join(' ')}`);
  const numbers = {
    seed: values.seed,
    inputs: values.inputs,
    workers: values.workers,
    case: values.case,
  };
  const found = Object.entries({ ...numbers, seconds }).map(([name, text]) => [
    name,
    countOf(name, text),
  ]);
  const counts = Object.fromEntries(found.filter(([, value]) => value !== undefined));
  return {
    seconds: values.inputs === undefined ? 60 : Number.POSITIVE_INFINITY,
    seed: Date.now() % 2 ** 32,
    inputs: Number.POSITIVE_INFINITY,
    workers: 1,
    ...counts,
    only: values.only?.split(',') ?? [],
    ...(values.replay !== undefined && { replay: values.replay }),
    list: values.list === true,
  };
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = { seed: text, only: text, inputs: text, workers: text, case: text, replay: text };
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ...options, list: { type: 'boolean' } },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function countOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  const least = name === 'seed' || name === 'case' ? 0 : 1;
  if (Number.isInteger(value) && value >= least && value < 2 ** 32) return value;
  throw new UsageError(`${name}: expected a whole number from ${least}, got "${text}"`);
}
