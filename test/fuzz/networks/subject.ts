/** Random networks as a subject of the fuzzer: kernels, plans and packing of whole networks under poison. */

import { lowerGraph } from '../../../src/convert/lower.ts';
import { DTYPE_NAMES } from '../../../src/graph/dtype.ts';
import { mulberry32 } from '../../support/graphs.ts';
import { type KernelBinary, kernelBinaries } from '../../support/kernel-memory.ts';
import { firstDifference } from '../../support/kernel-tolerance.ts';
import { below, chance, pick } from '../mutate/choose.ts';
import type { Verdict } from '../probe.ts';
import { caseRandom, type Subject } from '../subject.ts';
import { type PoisonedRun, runPoisoned } from './poisoned-run.ts';
import { randomGraph, vector } from './random-network.ts';

const NAME = 'networks';
/** `debug` checks what kernels assert, at a tenth of the speed. */
const BINARIES = ['simd', 'simd', 'relaxed', 'simd-threads', 'relaxed-threads'];
const DEBUG_SHARE = 0.03;
const MOST_THREADS = 4;
const MOST_PICTURES = 4;
const ALONE = { threads: 1, gaps: false } as const;

const binaries = new Map<string, KernelBinary | undefined>();

/** Undefined where this runtime cannot run it; `kernelBinaries` has said so. */
function binaryOf(name: string): KernelBinary | undefined {
  if (!binaries.has(name)) binaries.set(name, kernelBinaries([name])[0]);
  return binaries.get(name);
}

export function networkSubject(): Subject {
  return {
    name: NAME,
    run: async (seed, index) => runCase(seed, index),
    explain: async (seed, index, { fault = '', detail = '' }) => {
      return { subject: NAME, seed, index, fault, detail };
    },
  };
}

function runCase(seed: number, index: number): Verdict {
  const start = performance.now();
  const judged = judgeCase(seed, index);
  return { outcome: 'valid', ...judged, ms: performance.now() - start, largest: 0 };
}

function judgeCase(seed: number, index: number): Pick<Verdict, 'fault' | 'detail'> {
  const random = caseRandom(seed, NAME, index);
  const graph = lowerGraph(randomGraph(random));
  const length = graph.input.shape.reduce((product, n) => product * n, 1);
  const pictures = Array.from({ length: 1 + below(random, MOST_PICTURES) }, () =>
    vector(random, length),
  );
  const name = chance(random, DEBUG_SHARE) ? 'debug' : pick(random, BINARIES);
  const binary = binaryOf(name) ?? (binaryOf('simd') as KernelBinary);
  const run: PoisonedRun = {
    graph,
    pictures,
    threads: 1 + below(random, MOST_THREADS),
    winogradFrom: pick(random, [16, 16, 24, Number.POSITIVE_INFINITY]),
    gaps: chance(random, 0.5),
    dtype: chance(random, 0.6) ? 'f32' : pick(random, DTYPE_NAMES),
    expanded: false,
    random: mulberry32(below(random, 2 ** 32)),
  };
  const what = `${name} ${run.dtype}, ${pictures.length} pictures, ${run.threads} threads`;
  const together = runPoisoned(binary, run);
  if (together.fault) return { fault: together.fault, detail: `${what}: ${together.detail}` };
  // Alone, by one thread, with weights that were brought into f32 before: the same bits.
  const one = below(random, pictures.length);
  const changed = {
    ...ALONE,
    expanded: chance(random, 0.5),
    pictures: pictures.slice(one, one + 1),
  };
  const alone = runPoisoned(binary, { ...run, ...changed });
  if (alone.fault) return { fault: alone.fault, detail: `${name}, alone: ${alone.detail}` };
  const difference = firstDifference(
    together.bits[one] as Uint32Array,
    alone.bits[0] as Uint32Array,
  );
  return difference
    ? { fault: 'other bits', detail: `${what}: picture ${one}: ${difference}` }
    : {};
}
