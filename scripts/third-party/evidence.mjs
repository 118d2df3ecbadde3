/**
 * What is really bundled. Receives the folder of a checkout; returns the npm packages that esbuild takes in,
 * with their versions, and what their WebAssembly says of itself: its SHA-256, the crates and tools it
 * names, its bytes.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** The same entries as scripts/build.mjs bundles. */
const ENTRIES = ['src/image/codecs.ts', 'src/index.ts', 'src/runtime/worker.ts'];

export async function bundledPackages(root) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ENTRIES,
    outdir: 'dist',
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    loader: { '.wasm': 'binary' },
    logLevel: 'silent',
  });
  const files = Object.keys(metafile.inputs);
  const names = files.map((file) => file.match(/(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]);
  const wasm = files.filter((file) => file.endsWith('.wasm'));
  return {
    packages: [...new Set(names.filter((name) => name !== undefined))].sort(),
    wasm: wasm.map((file) => file.replace(/^.*?node_modules\//, '')).sort(),
  };
}

export function versionOf(root, name) {
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
}

export function readWasm(root, name, path) {
  const bytes = readFileSync(join(root, 'node_modules', name, path));
  const text = bytes.toString('latin1');
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    text,
    crates: cratesIn(text),
    tools: toolsIn(bytes),
  };
}

/** `png-0.17.10/src/filter.rs`: the sources of a crate, where it may panic. */
function cratesIn(text) {
  const found = new Map();
  for (const [, name, version] of text.matchAll(/([a-z][a-z0-9_-]*?)-(\d+\.\d+\.\d+)\/src\//g)) {
    found.set(name, version);
  }
  return found;
}

/**
 * The section `producers` (tool conventions of WebAssembly): `rustc` and `wasm-bindgen` with their versions.
 */
function toolsIn(bytes) {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(bytes), 'producers');
  const text = section ? Buffer.from(section).toString('latin1') : '';
  const version = (name) =>
    text.match(new RegExp(`${name}[^0-9]*?(\\d+\\.\\d+\\.\\d+(?:-nightly)?)`))?.[1];
  return new Map([
    ['rust-std', version('rustc')],
    ['wasm-bindgen', version('wasm-bindgen')],
  ]);
}
