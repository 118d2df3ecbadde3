/** What the compiler emitted: the four binaries that ship, read as modules and as text. */

import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import binaryen from 'binaryen';
import { describe, expect, it } from 'vitest';
import { WEIGHTS_BASE } from '../../src/engine/memory.ts';
import { binaryPath } from '../support/kernel-memory.ts';

/** Of one binary; the whole promise is "tens of kilobytes of code". */
const MAX_BYTES = 96 * 1024;
const START_SECTION = 8;

// Node 20 has relaxed SIMD behind a flag, which counts for modules compiled later.
setFlagsFromString('--experimental-wasm-relaxed-simd');

function readBinary(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(binaryPath(name)));
}

function readLeb(bytes: Uint8Array, at: number): readonly [value: number, next: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] as number;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}

/** Ids of the module's sections in order. */
function sectionsOf(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < bytes.length; ) {
    ids.push(bytes[at] as number);
    const [size, start] = readLeb(bytes, at + 1);
    at = start + size;
  }
  return ids;
}

function textOf(bytes: Uint8Array): string {
  const module = binaryen.readBinary(bytes);
  try {
    return module.emitText();
  } finally {
    module.dispose();
  }
}

describe.each(['simd', 'relaxed', 'simd-threads', 'relaxed-threads'])('%s.wasm', (name) => {
  const bytes = readBinary(name);
  const text = textOf(bytes);

  it('imports its memory and nothing else', () => {
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
    expect(imports).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
  });

  it('runs nothing when instantiated, and writes its constants from 640 to below the weights', () => {
    const sections = sectionsOf(bytes);
    expect(sections).toContain(10);
    expect(sections).not.toContain(START_SECTION);
    const memory = name.endsWith('threads')
      ? new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
      : new WebAssembly.Memory({ initial: 1 });
    const content = new Uint8Array(memory.buffer).fill(0xa5);
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    const changed = [...content.keys()].filter((at) => content[at] !== 0xa5);
    expect(Math.min(...changed)).toBeGreaterThanOrEqual(640);
    expect(Math.max(...changed)).toBeLessThan(WEIGHTS_BASE);
  });

  it('fuses multiply and add only where its name says so', () => {
    const relaxed = text.match(/relaxed\w+/g) ?? [];
    const expected = name.startsWith('relaxed') ? ['relaxed_madd'] : [];
    expect([...new Set(relaxed)]).toEqual(expected);
  });

  it('waits and notifies only where memory is shared', () => {
    expect(/atomic\.(wait|notify)/.test(text)).toBe(name.endsWith('threads'));
  });

  it(`is at most ${MAX_BYTES} bytes long`, () => {
    expect(bytes.length).toBeLessThanOrEqual(MAX_BYTES);
  });
});

describe('the binaries', () => {
  it('export the same functions', () => {
    const exportsOf = (name: string) =>
      WebAssembly.Module.exports(new WebAssembly.Module(readBinary(name)));
    const simd = exportsOf('simd');
    expect(simd.map(({ name }) => name)).toContain('f32_conv_igemm');
    for (const name of ['relaxed', 'simd-threads', 'relaxed-threads', 'debug']) {
      expect(exportsOf(name), name).toEqual(simd);
    }
  });
});
