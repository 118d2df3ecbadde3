/**
 * What V8 says while it compiles kernels with pairing of vectors: per exported function, how many pairs of
 * neighbouring stores it found and how many of those it made 256 bits wide.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { binaryPath } from './kernel-memory.ts';

export interface Pairing {
  readonly found: number;
  readonly made: number;
}

const FLAGS = [
  '--experimental-wasm-revectorize',
  '--trace-wasm-revectorize',
  '--no-liftoff',
  '--no-wasm-lazy-compilation',
  // Functions one after the other, so that what is said of one is not mixed with another.
  '--single-threaded',
  '--wasm-num-compilation-tasks=1',
];

/** `node`: a binary of Node 24 or newer on x64. */
export function tracePairs(node: string, build: string): ReadonlyMap<string, Pairing> {
  const path = fileURLToPath(binaryPath(build));
  const program = `new WebAssembly.Module(require('fs').readFileSync(${JSON.stringify(path)}))`;
  const text = execFileSync(node, [...FLAGS, '-e', program], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const names = functionNames(readFileSync(path));
  const pairings = new Map<string, Pairing>();
  for (const part of text.split('Begin revec function wasm-function#').slice(1)) {
    const name = names.get(Number.parseInt(part, 10));
    const found = part.match(/^\{$/gm)?.length ?? 0;
    const made = part.match(/Decide to vectorize/g)?.length ?? 0;
    if (name !== undefined) pairings.set(name, { found, made });
  }
  return pairings;
}

/** Exported names by function index; there are no imported functions. */
function functionNames(bytes: Uint8Array): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  let at = 8;
  const leb = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = leb();
    const end = at + size;
    if (id === 7) {
      for (let left = leb(); left > 0; left--) {
        const length = leb();
        const name = new TextDecoder().decode(bytes.subarray(at, at + length));
        at += length;
        const kind = bytes[at++];
        const index = leb();
        if (kind === 0) names.set(index, name);
      }
    }
    at = end;
  }
  return names;
}
