/**
 * One input through one reader. What is promised: a valid result, or an `ArcfaceError` of a code that belongs
 * to the reader; no allocation above four times the input and a constant; not more than two seconds.
 */

import { ArcfaceError } from '../../src/errors.ts';
import { MemoryRefused, startMeter, stopMeter } from './meter.ts';
import type { Files, Reader } from './reader.ts';

export const SPARE_BYTES = 2 ** 20;
export const LIMIT_MS = 2000;
/** What a call may hold afterwards, garbage included. */
const GROWTH_FACTOR = 64;
const GROWTH_SPARE_BYTES = 64 * 2 ** 20;

export type Fault =
  | 'exception'
  | 'foreign code'
  | 'allocation'
  | 'growth'
  | 'time'
  | 'hang'
  | 'out of memory'
  | 'stray write'
  | 'wrong result'
  | 'other bits';

export interface Verdict {
  /** 'valid' or the code of the refusal. */
  readonly outcome: string;
  readonly fault?: Fault;
  /** What the fault is, and where in the code. */
  readonly detail?: string;
  readonly ms: number;
  readonly largest: number;
}

export async function probe(reader: Reader, files: Files): Promise<Verdict> {
  const size = sizeOfFiles(files);
  const allowed = 4 * size + SPARE_BYTES + (reader.allowance?.(files) ?? 0);
  startMeter(allowed);
  const start = performance.now();
  const cpu = process.cpuUsage();
  let failure: { error: unknown } | undefined;
  try {
    await reader.read(files);
  } catch (error) {
    failure = { error };
  }
  // The less of both: a busy machine is nobody's fault, and other threads of this process are not either.
  const { user, system } = process.cpuUsage(cpu);
  const ms = Math.min(performance.now() - start, (user + system) / 1000);
  const { largest, grown } = stopMeter();
  const outcome = failure === undefined ? 'valid' : codeOf(failure.error);
  const judged = { outcome, ms, largest };
  if (largest > allowed || failure?.error instanceof MemoryRefused) {
    const where = failure ? `; ${placeOf(failure.error)}` : '';
    return {
      ...judged,
      fault: 'allocation',
      detail: `${largest} bytes at once for ${size} read${where}`,
    };
  }
  if (failure && !(failure.error instanceof ArcfaceError)) {
    return { ...judged, fault: 'exception', detail: placeOf(failure.error) };
  }
  if (failure && !reader.codes.includes(outcome)) {
    return { ...judged, fault: 'foreign code', detail: `${outcome}: ${placeOf(failure.error)}` };
  }
  if (grown > GROWTH_FACTOR * size + GROWTH_SPARE_BYTES + (reader.allowance?.(files) ?? 0)) {
    return { ...judged, fault: 'growth', detail: `${grown} bytes held for ${size} read` };
  }
  if (ms > LIMIT_MS)
    return { ...judged, fault: 'time', detail: `${ms.toFixed(0)} ms for ${size} bytes` };
  return judged;
}

export function sizeOfFiles(files: Files): number {
  return files.reduce((sum, file) => sum + file.length, 0);
}

function codeOf(error: unknown): string {
  return error instanceof ArcfaceError ? error.code : 'exception';
}

/** Message and innermost place of an error: findings of one place are told once. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return `not an error: ${String(error)}`;
  const place = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return `${error.name}: ${error.message.slice(0, 200)} ${place?.trim() ?? ''}`;
}
