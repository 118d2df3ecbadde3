/** Other JavaScript runtimes of this machine, from test/runtimes/tools. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TOOLS = new URL('../runtimes/tools/node_modules/', import.meta.url);

/** A Node of that major version: this one, or one that is installed beside the tests; undefined if there is none. */
export function nodeOf(major: number): string | undefined {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const path = fileURLToPath(new URL(`node${major}/bin/node`, TOOLS));
  return existsSync(path) ? path : undefined;
}

export const HOW_TO_INSTALL = 'npm ci --ignore-scripts in test/runtimes/tools installs it';
