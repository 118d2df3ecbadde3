/**
 * Processes that a bench starts, and that end with it: when it ends itself, when a signal ends it, and
 * when the command line that started it is gone, whose end closes the channel between the two.
 */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const children = new Set();

/** Once, by the program that starts others. */
export function endChildrenWithThis() {
  for (const signal of SIGNALS) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  process.on('exit', () => {
    for (const child of children) child.kill();
  });
  if (!process.channel) return;
  process.once('disconnect', () => process.exit(1));
  // Waiting for that must not keep the bench alive.
  process.channel.unref();
}

/** @returns the child, which ends with this process from now on */
export function tracked(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/**
 * Runs a program to its end.
 * @returns {Promise<{status: number | null, error?: Error}>}
 */
export function run(command, args, options) {
  const child = tracked(spawn(command, args, options));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ status: null, error }));
    child.once('exit', (status) => resolve({ status }));
  });
}
