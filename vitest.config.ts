import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Imports of `.wasm` files are bytes, as with esbuild's binary loader in the build. */
function wasmBytes(): Plugin {
  const prefix = '\0wasm-bytes:';
  return {
    name: 'wasm-bytes',
    enforce: 'pre',
    resolveId(id) {
      if (!id.endsWith('.wasm')) return undefined;
      // The test runner would leave anything below node_modules to Node: the path is hidden from it.
      const path = createRequire(import.meta.url).resolve(id);
      return `${prefix}${Buffer.from(path).toString('hex')}`;
    },
    load(id) {
      if (!id.startsWith(prefix)) return undefined;
      const path = Buffer.from(id.slice(prefix.length), 'hex').toString();
      const base64 = readFileSync(path).toString('base64');
      return `export default new Uint8Array(Buffer.from('${base64}', 'base64'));`;
    },
  };
}

export default defineConfig({
  plugins: [wasmBytes()],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // Two cores and networks of 261 MB: more processes at once would only fight for memory.
    maxWorkers: 2,
  },
});
