/**
 * `npm run fuzz -- <seconds> [options]`: bundles test/fuzz with the sources as they are and runs it. What it
 * does and takes: test/fuzz/main.ts, test/fuzz/args.ts.
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
if (!process.env.SKIP_BUILD)
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
// Two folders below the root, as test/support is: kernels are found relative to the file.
const outfile = 'dist/fuzz/main.js';
await build({
  entryPoints: ['test/fuzz/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: 'inline',
  loader: { '.wasm': 'binary' },
  logLevel: 'warning',
});
process.setSourceMapsEnabled(true);
await import(new URL(`../${outfile}`, import.meta.url));
