/**
 * `npm run bench -- [kernel|layer|model|cold|winograd|dtypes|all] [options]`: see bench/README.md. Builds what is
 * stale, installs the peers when a bench needs them, runs the benches one after the other, each in
 * the quiet after the last, and writes bench/results.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseBenchArgs, USAGE, UsageError } from './lib/args.mjs';
import { endChildrenWithThis, run as runProgram } from './lib/children.mjs';
import { describeRun, headline } from './lib/machine.mjs';
import { installPeers, NODE_24 } from './lib/peers.mjs';
import { writeResult } from './lib/report.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A bench takes the options, prints its tables and returns what goes into its JSON. */
const BENCHES = {
  kernel: async (options) => (await import('./kernel.mjs')).benchKernels(options),
  layer: async (options) => (await import('./layer.mjs')).benchLayers(options),
  // With --dtypes the contest is between those, not with peers.
  model: async (options) => (options.dtypes ? BENCHES.dtypes : benchPeers)(options),
  cold: async (options) => (await import('./cold.mjs')).benchCold(options),
  dtypes: async (options) => (await import('./dtypes.mjs')).benchDtypes(options),
  winograd: async (options) => (await import('./winograd.mjs')).benchWinograd(options),
};

async function benchPeers(options) {
  return (await import('./model.mjs')).benchModels(options);
}

async function main(argv) {
  const options = parseBenchArgs(argv);
  const needsPeers = options.levels.some(
    (level) => (level === 'model' && !options.dtypes) || level === 'cold',
  );
  if (options.node !== undefined || (needsPeers && options.peers.length > 0)) {
    await installPeers(options.yes);
  }
  if (!process.env.SKIP_BUILD) await build();
  if (options.node !== undefined) return runIn(binaryOf(options.node), argv);
  process.chdir(ROOT);
  const run = describeRun();
  console.log(headline(run));
  for (const level of options.levels) {
    const result = await BENCHES[level](options);
    if (options.write)
      console.log(
        `-> ${writeResult(options.dtypes && level === 'model' ? 'dtypes' : level, run, result)}`,
      );
  }
}

async function build() {
  const args = ['scripts/build.mjs'];
  const { status } = await runProgram(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Error('bench: expected a build, got none');
}

function binaryOf(node) {
  const binary = node === '24' ? NODE_24 : node;
  if (existsSync(binary)) return binary;
  throw new UsageError(`--node: expected 24 or a Node binary, found none at ${binary}`);
}

/** The same bench in another Node. */
async function runIn(binary, argv) {
  const at = argv.findIndex((arg) => arg === '--node' || arg.startsWith('--node='));
  const rest = argv.filter((_, i) => i < at || i >= at + (argv[at] === '--node' ? 2 : 1));
  const { status } = await runProgram(binary, [fileURLToPath(import.meta.url), ...rest], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, SKIP_BUILD: '1' },
  });
  process.exitCode = status ?? 1;
}

endChildrenWithThis();
try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`bench: ${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
