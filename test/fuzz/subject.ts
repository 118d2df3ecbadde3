/**
 * What a campaign runs: numbered cases, each the same for the same seed on every machine. A reader of files
 * is one subject, the kernels on random networks another.
 */

import { mulberry32, type Random } from '../support/graphs.ts';
import { minimise } from './minimise.ts';
import { LIMIT_MS, probe, type Verdict } from './probe.ts';
import { damagedFiles, type Files, type Reader } from './reader.ts';

export interface Finding {
  readonly subject: string;
  readonly seed: number;
  readonly index: number;
  readonly fault: string;
  readonly detail: string;
  /** The smallest input that shows it, by file name; absent where the case is its number alone. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

export interface Subject {
  readonly name: string;
  run(seed: number, index: number): Promise<Verdict>;
  /** A finding for a case that `run` found fault with. */
  explain(seed: number, index: number, verdict: Verdict): Promise<Finding>;
}

/** Runs that decide whether a slow case is slow or the machine was busy. */
const SLOW_RUNS = 3;

export function readerSubject(reader: Reader): Subject {
  return {
    name: reader.name,
    run: (seed, index) => judge(reader, filesOf(reader, seed, index)),
    async explain(seed, index, { fault = '', detail = '' }) {
      const files = await minimise(reader, filesOf(reader, seed, index), fault);
      const named = Object.fromEntries(
        reader.files.map((name, i) => [name, files[i] as Uint8Array]),
      );
      return { subject: reader.name, seed, index, fault, detail, files: named };
    },
  };
}

/** As `probe`; what took too long is tried again. */
export async function judge(reader: Reader, files: Files): Promise<Verdict> {
  let verdict = await probe(reader, files);
  for (let i = 1; i < SLOW_RUNS && verdict.fault === 'time' && verdict.ms < 10 * LIMIT_MS; i++) {
    verdict = await probe(reader, files);
  }
  return verdict;
}

export function filesOf(reader: Reader, seed: number, index: number): Files {
  return damagedFiles(reader, caseRandom(seed, reader.name, index));
}

/** FNV-1a of all three, mixed once (murmur3): neighbouring cases have nothing in common. */
export function caseRandom(seed: number, subject: string, index: number): Random {
  let hash = 0x811c9dc5;
  for (const character of `${seed}/${subject}/${index}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return mulberry32(hash ^ (hash >>> 13));
}
