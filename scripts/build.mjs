/**
 * Builds everything that is not in git: kernels (four binaries and one for debugging), their base64
 * modules, the library and the command line. Skips what is newer than its sources.
 *
 *   node scripts/build.mjs [--force]
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const force = process.argv.includes('--force');
const TARGETS = ['simd', 'relaxed', 'simd-threads', 'relaxed-threads'];

/** Time of the newest file below `paths`, in ms. */
function newest(...paths) {
  let time = 0;
  for (const path of paths) {
    if (!existsSync(path)) return Number.POSITIVE_INFINITY;
    const stat = statSync(path);
    if (!stat.isDirectory()) time = Math.max(time, stat.mtimeMs);
    else for (const name of readdirSync(path)) time = Math.max(time, newest(join(path, name)));
  }
  return time;
}

function isFresh(output, ...inputs) {
  return !force && existsSync(output) && statSync(output).mtimeMs > newest(...inputs);
}

function bin(name, ...args) {
  execFileSync(process.execPath, [join('node_modules', ...name), ...args], { stdio: 'inherit' });
}

function buildKernels() {
  mkdirSync('src/runtime/binaries', { recursive: true });
  for (const target of [...TARGETS, 'debug']) {
    const wasm = `dist/wasm/${target}.wasm`;
    if (!isFresh(wasm, 'assembly', 'asconfig.json')) {
      bin(['assemblyscript', 'bin', 'asc.js'], '--config', 'asconfig.json', '--target', target);
    }
    const module = `src/runtime/binaries/${target}.ts`;
    if (target === 'debug' || isFresh(module, wasm)) continue;
    const base64 = readFileSync(wasm).toString('base64');
    writeFileSync(
      module,
      `/** Built from assembly/, target ${target}. */\nexport default '${base64}';\n`,
    );
  }
}

async function buildLibrary() {
  if (isFresh('dist/.library', 'src', 'tsconfig.json', 'scripts/build.mjs')) return;
  bin(['typescript', 'bin', 'tsc'], '-p', 'tsconfig.json');
  await bundleEntries();
  writeFileSync('dist/.library', '');
}

/** Entries that share their core and their kernels, as chunks; the last is not for import by name. */
const ENTRIES = {
  index: 'src/entries/node.ts',
  browser: 'src/entries/browser.ts',
  edge: 'src/entries/edge.ts',
  bare: 'src/entries/bare.ts',
  // Who compares embeddings only need not take the engine along.
  'chunks/similarity': 'src/similarity.ts',
};

/**
 * The package's entries, bundled: importing their modules one by one takes a cold process 12 ms more. What is loaded on
 * demand (kernels) stays a chunk. The command line and the types use the modules as tsc wrote them.
 */
async function bundleEntries() {
  rmSync('dist/chunks', { recursive: true, force: true });
  const common = {
    bundle: true,
    platform: 'neutral',
    external: ['node:*'],
    target: 'es2022',
    format: 'esm',
    logLevel: 'warning',
  };
  await build({
    ...common,
    entryPoints: ENTRIES,
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
  });
  // Each one file by itself: workers and content delivery networks start nothing else.
  await build({
    ...common,
    entryPoints: { standalone: 'src/entries/standalone.ts', worker: 'src/runtime/worker.ts' },
    outdir: 'dist',
    minify: true,
  });
}

/**
 * Picture decoders are bundled into the one module that uses them: the package has no dependencies. Their
 * licences: scripts/third-party.mjs.
 */
async function buildDecoders() {
  const source = 'src/image/codecs.ts';
  // tsc writes the same file unbundled, so whenever it ran this has to run again.
  if (isFresh('dist/image/.codecs', source, 'package-lock.json', 'dist/.library')) return;
  await build({
    entryPoints: [source],
    outfile: 'dist/image/codecs.js',
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    loader: { '.wasm': 'binary' },
    logLevel: 'warning',
  });
  writeFileSync('dist/image/.codecs', '');
}

if (force) rmSync('dist', { recursive: true, force: true });
mkdirSync('dist', { recursive: true });
buildKernels();
await buildLibrary();
await buildDecoders();
