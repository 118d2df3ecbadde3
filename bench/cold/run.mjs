/** One cold process of an engine: what it reports, or why it ended. */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tracked } from '../lib/children.mjs';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));

export function runCold(engine, path) {
  const started = performance.timeOrigin + performance.now();
  const child = tracked(
    fork(CHILD, [engine, path, '1', String(started)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    }),
  );
  return new Promise((resolve, reject) => {
    let report;
    let complaint = '';
    child.stderr.on('data', (text) => {
      complaint += text;
    });
    child.once('message', (message) => {
      report = message;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (report) return resolve(report);
      const reason = /^\w*Error.*$/m.exec(complaint)?.[0] ?? complaint.trim().split('\n').at(-1);
      reject(new Error(`ended with ${code}: ${reason}`));
    });
  });
}
