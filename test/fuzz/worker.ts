/**
 * One worker thread of a campaign: takes a slice of cases, answers with its tally. Tells through shared memory
 * which case it is at and since when, so that one that never ends can be named and the worker be ended.
 */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type Cases, runCases, type Tally } from './campaign.ts';
import { allSubjects } from './subjects.ts';

export interface Slice extends Cases {
  readonly subject: string;
}

export interface SliceDone {
  readonly subject: string;
  readonly tally: Tally;
}

/** Two float64: number of the case, time of its start (`Date.now`); 0 while there is none. */
export const PULSE_BYTES = 16;

export function startWorker(): void {
  const port = parentPort as MessagePort;
  const pulse = new Float64Array(workerData as SharedArrayBuffer);
  const subjects = new Map(allSubjects().map((subject) => [subject.name, subject]));
  port.on('message', async ({ subject, ...cases }: Slice) => {
    const known = subjects.get(subject);
    if (known === undefined) throw new Error(`no subject "${subject}"`);
    const tally = await runCases(known, cases, (index) => {
      pulse[0] = index;
      pulse[1] = Date.now();
    });
    pulse[1] = 0;
    port.postMessage({ subject, tally } satisfies SliceDone);
  });
}
