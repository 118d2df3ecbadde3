/**
 * Workers of a campaign. Each gets slices, subject by subject in turn, until time or number is up. A worker
 * whose case does not end, or who ran out of memory, is replaced; the case is a finding.
 */

import { Worker } from 'node:worker_threads';
import { addTo, newTally, type Tally } from './campaign.ts';
import { PULSE_BYTES, type Slice, type SliceDone } from './worker.ts';

export interface CampaignOptions {
  readonly subjects: readonly string[];
  readonly seed: number;
  readonly seconds: number;
  /** Over all subjects; a subject gets an equal part of them. */
  readonly inputs: number;
  readonly workers: number;
  readonly onSlice?: (tallies: ReadonlyMap<string, Tally>) => void;
  /** Ends the campaign at the next slice: what was found until then is told. */
  readonly signal: AbortSignal;
}

const SLICE_MS = 1000;
const HANG_MS = 30_000;
const WATCH_MS = 1000;
const HEAP_MB = 2048;

export async function runCampaign(options: CampaignOptions): Promise<Map<string, Tally>> {
  const tallies = new Map(options.subjects.map((name) => [name, newTally()]));
  const end = performance.now() + options.seconds * 1000;
  const share = Math.ceil(options.inputs / options.subjects.length / options.workers);
  const loops = Array.from({ length: options.workers }, (_, k) =>
    drive(options, k, share, end, tallies),
  );
  await Promise.all(loops);
  return tallies;
}

/** One worker, from slice to slice. */
async function drive(
  options: CampaignOptions,
  k: number,
  share: number,
  end: number,
  tallies: ReadonlyMap<string, Tally>,
): Promise<void> {
  const done = new Map(options.subjects.map((name) => [name, 0]));
  const left = (name: string): number => share - (done.get(name) as number);
  let member = startMember();
  try {
    for (let turn = k; performance.now() < end && !options.signal.aborted; turn++) {
      const open = options.subjects.filter((name) => left(name) > 0);
      if (open.length === 0) return;
      const subject = open[turn % open.length] as string;
      const from = k + (done.get(subject) as number) * options.workers;
      const ms = Math.min(SLICE_MS, Math.max(1, end - performance.now()));
      const slice = {
        subject,
        seed: options.seed,
        from,
        step: options.workers,
        count: left(subject),
        ms,
      };
      const tally = await member.run(slice);
      done.set(subject, (done.get(subject) as number) + tally.inputs);
      addTo(tallies.get(subject) as Tally, tally);
      if (!member.isAlive()) member = startMember();
      options.onSlice?.(tallies);
    }
  } finally {
    await member.end();
  }
}

interface Member {
  run(slice: Slice): Promise<Tally>;
  isAlive(): boolean;
  end(): Promise<unknown>;
}

function startMember(): Member {
  const shared = new SharedArrayBuffer(PULSE_BYTES);
  const pulse = new Float64Array(shared);
  const worker = new Worker(new URL(import.meta.url), {
    workerData: shared,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  let alive = true;
  return {
    isAlive: () => alive,
    end: () => worker.terminate(),
    run: (slice) =>
      new Promise((resolve) => {
        const finish = (tally: Tally): void => {
          clearInterval(watch);
          worker.off('message', onMessage).off('error', onError);
          resolve(tally);
        };
        /** The slice is lost but for the case that ended it. */
        const fail = (fault: string, detail: string): void => {
          alive = false;
          void worker.terminate();
          const { subject, seed, step = 1, from } = slice;
          const index = pulse[0] as number;
          const finding = { subject, seed, index, fault, detail };
          finish({ ...newTally(), inputs: (index - from) / step + 1, findings: [finding] });
        };
        const onMessage = ({ tally }: SliceDone): void => finish(tally);
        const onError = (error: NodeJS.ErrnoException): void => {
          const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
          fail(isMemory ? 'out of memory' : 'exception', `${error.stack ?? error}`);
        };
        const watch = setInterval(() => {
          const since = pulse[1] as number;
          if (since > 0 && Date.now() - since > HANG_MS) fail('hang', `more than ${HANG_MS} ms`);
        }, WATCH_MS);
        worker.on('message', onMessage).on('error', onError);
        worker.postMessage(slice);
      }),
  };
}
