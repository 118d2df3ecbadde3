/** What a figure is worth nothing without: machine, runtime, flags, commit, date. */

import { execFileSync } from 'node:child_process';
import { cpus, platform, release, totalmem } from 'node:os';

/** Results of other benches and texts about them: they do not change what a bench runs. */
const ABOUT = ['bench/results', 'docs/r100-layers.svg', '**/*.md'];

export function describeRun() {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    commit: git('rev-parse', 'HEAD'),
    modified: git('status', '--porcelain', '--untracked-files=no', '--', ...program()) !== '',
    machine: {
      cpu: processors[0]?.model.trim() ?? 'unknown',
      cores: processors.length,
      memoryBytes: totalmem(),
      os: `${platform()} ${release()}`,
      arch: process.arch,
    },
    runtime: {
      name: 'node',
      version: process.versions.node,
      v8: process.versions.v8,
      flags: [...process.execArgv, process.env.NODE_OPTIONS].filter(Boolean),
    },
  };
}

/** One line for the head of a table. */
export function headline({ machine, runtime, commit, modified }) {
  const flags = runtime.flags.length > 0 ? ` ${runtime.flags.join(' ')}` : '';
  return (
    `${machine.cpu}, ${machine.cores} cores; Node ${runtime.version} (V8 ${runtime.v8})${flags}; ` +
    `commit ${commit.slice(0, 7)}${modified ? ' + changes' : ''}`
  );
}

/** The whole repository without these, wherever the bench was started. */
function program() {
  return [':/', ...ABOUT.map((path) => `:(top,exclude,glob)${path}`)];
}

function git(...args) {
  try {
    return execFileSync('git', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
