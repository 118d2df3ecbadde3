/** The table of step kernels against the binaries that ship and the operators of a network. */

import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { KERNELS } from '../../src/compile/kernels.ts';
import { DTYPE_NAMES, DTYPES } from '../../src/graph/dtype.ts';
import { binaryPath } from '../support/kernel-memory.ts';

// Node 20 has relaxed SIMD behind a flag, which counts for modules compiled later.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const names = Object.keys(KERNELS);

describe.each(['simd', 'relaxed', 'simd-threads', 'relaxed-threads', 'debug'])(
  '%s.wasm',
  (build) => {
    it('exports every row', () => {
      const module = new WebAssembly.Module(readFileSync(binaryPath(build)));
      const functions = WebAssembly.Module.exports(module).filter(
        ({ kind }) => kind === 'function',
      );
      expect(functions.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    });
  },
);

it('there is no step kernel without a row', () => {
  const index = readFileSync(new URL('../../assembly/index.ts', import.meta.url), 'utf8');
  const steps = [...index.matchAll(/'\.\/(\w+)\/(\w+)'/g)].flatMap(([, folder, file]) => {
    const text = readFileSync(
      new URL(`../../assembly/${folder}/${file}.ts`, import.meta.url),
      'utf8',
    );
    const signature = /^export function (\w+)\(\w+: usize, thread: i32, threads: i32\): void/gm;
    return [...text.matchAll(signature)].map(([, name]) => name);
  });
  expect(steps.sort()).toEqual([...names].sort());
});

it('the codes of the dtypes are those of the kernels', () => {
  const text = readFileSync(new URL('../../assembly/gemm/bring.ts', import.meta.url), 'utf8');
  const codes = [...text.matchAll(/^export const DTYPE_(\w+): i32 = (\d+);/gm)];
  const expected = DTYPE_NAMES.map((name) => [name, DTYPES[name].code]);
  expect(codes.map(([, name, code]) => [name?.toLowerCase(), Number(code)])).toEqual(expected);
});
