/**
 * A smaller input with the same fault: stretches are left out as long as the fault stays, halves first (ddmin,
 * Zeller and Hildebrandt 2002, without its complements). Stops after a few seconds, wherever it is.
 */

import { spliced } from './mutate/choose.ts';
import { type Fault, LIMIT_MS, probe } from './probe.ts';
import type { Files, Reader } from './reader.ts';

const BUDGET_MS = 3000;
/** These take the time that there is: one try would be all. */
const TOO_SLOW: ReadonlySet<Fault | string> = new Set(['time', 'hang', 'out of memory']);

export async function minimise(reader: Reader, files: Files, fault: string): Promise<Files> {
  if (TOO_SLOW.has(fault)) return files;
  const end = performance.now() + BUDGET_MS;
  let best = files;
  for (let at = 0; at < files.length; at++) {
    let size = Math.ceil((best[at] as Uint8Array).length / 2);
    for (; size >= 1 && performance.now() < end; size = Math.floor(size / 2)) {
      best = await dropStretches(reader, best, at, size, fault, end);
    }
  }
  return best;
}

async function dropStretches(
  reader: Reader,
  files: Files,
  at: number,
  size: number,
  fault: string,
  end: number,
): Promise<Files> {
  let best = files;
  for (let from = 0; from < (best[at] as Uint8Array).length && performance.now() < end; ) {
    const file = best[at] as Uint8Array;
    const shorter = spliced(file, from, Math.min(file.length, from + size), new Uint8Array());
    const smaller = best.map((one, i) => (i === at ? shorter : one));
    const verdict = await probe(reader, smaller);
    if (verdict.fault === fault && verdict.ms < LIMIT_MS) best = smaller;
    else from += size;
  }
  return best;
}
