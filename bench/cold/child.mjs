/**
 * A cold process: loads one engine from a local file, embeds one face, reports and ends. `started`
 * is the parent's clock at the spawn, so the start of the runtime counts.
 *
 *   node child.mjs <engine> <model file> <threads> <started: ms since 1970>
 */

import { readFileSync } from 'node:fs';
import { seededFace } from '../lib/models.mjs';
import { wasmBytes } from './spy.mjs';

const [engine, path, threads, started] = process.argv.slice(2);
const clock = () => performance.timeOrigin + performance.now();

const ENGINES = {
  async 'arcface-wasm'() {
    const { loadModel } = await import('../../dist/index.js');
    const model = await loadModel(path, { threads: Number(threads) });
    return (data) => model.embed({ data, layout: 'nchw', channels: 'rgb' });
  },
  'onnxruntime-web': loadPeer,
  'onnxruntime-node': loadPeer,
};

async function loadPeer() {
  const { load } = await import(`../peers/${engine}.mjs`);
  const session = await load(path, { threads: Number(threads) });
  return (data) => session.run(data);
}

const begin = clock();
const embed = await ENGINES[engine]();
const loaded = clock();
const embedding = await embed(seededFace());
const done = clock();
const report = {
  engine,
  startMs: begin - Number(started),
  loadMs: loaded - begin,
  firstMs: done - loaded,
  coldMs: done - Number(started),
  peakRssBytes: peakRss(),
  wasmBytes: wasmBytes(),
  embedding: [...embedding],
};
process.send(report, () => process.exit(0));

/** Of this program alone: what `resourceUsage` says starts with what the parent had when it forked. */
function peakRss() {
  try {
    const [, kilobytes] = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    return Number(kilobytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
