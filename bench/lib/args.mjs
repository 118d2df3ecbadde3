/** The arguments of `npm run bench`. Returns checked options; refuses what it does not know. */

import { parseArgs } from 'node:util';
import { DTYPES, MODEL_NAMES } from './models.mjs';

export const LEVELS = ['kernel', 'layer', 'model', 'cold', 'winograd', 'dtypes'];
export const PEER_NAMES = ['onnxruntime-web', 'onnxruntime-node', 'tfjs'];

export const USAGE = `npm run bench -- [kernel|layer|model|cold|winograd|dtypes|all] [options]

  --threads <1,2>       thread counts of the model bench (default 1,2)
  --models <r100,...>   of ${MODEL_NAMES.join(', ')} (model: all; others: r100)
  --runs <n>            measured runs of each contestant (cold 5, others 15)
  --peers <names|none>  of ${PEER_NAMES.join(', ')} (default all)
  --dtypes <f32,q8,...> model: these dtypes of weights against each other instead of peers; dtypes: all
  --lfw <lfw.bin>       dtypes: recognition of a trained network too
  --node <24|binary>    runs the bench in another Node: 24 is the one in bench/peers
  --yes                 downloads the peers, about 700 MB, without asking
  --no-write            prints only; bench/results and docs stay as they are`;

export class UsageError extends Error {}

/** @returns {{levels: string[], threads: number[], models?: string[], runs?: number, peers: string[], dtypes?: string[], lfw?: string, node?: string, yes: boolean, write: boolean}} */
export function parseBenchArgs(argv) {
  const { values, positionals } = parse(argv);
  const [level = 'all', ...more] = positionals;
  if (more.length > 0 || !['all', ...LEVELS].includes(level)) {
    throw new UsageError(`expected one of all, ${LEVELS.join(', ')}, got ${positionals.join(' ')}`);
  }
  return {
    levels: level === 'all' ? LEVELS : [level],
    threads: (values.threads ?? '1,2').split(',').map((text) => countOf('--threads', text)),
    models: values.models && namesOf('--models', values.models, MODEL_NAMES),
    runs: values.runs === undefined ? undefined : countOf('--runs', values.runs),
    peers: peersOf(values.peers),
    dtypes: values.dtypes && namesOf('--dtypes', values.dtypes, DTYPES),
    lfw: values.lfw,
    node: values.node,
    yes: values.yes ?? false,
    write: !values['no-write'],
  };
}

function parse(argv) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        threads: { type: 'string' },
        models: { type: 'string' },
        runs: { type: 'string' },
        peers: { type: 'string' },
        dtypes: { type: 'string' },
        lfw: { type: 'string' },
        node: { type: 'string' },
        yes: { type: 'boolean' },
        'no-write': { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function peersOf(text) {
  if (text === undefined) return PEER_NAMES;
  return text === 'none' ? [] : namesOf('--peers', text, PEER_NAMES);
}

function countOf(option, text) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value;
  throw new UsageError(`${option}: expected an integer 1..10000, got '${text}'`);
}

function namesOf(option, text, known) {
  const names = text.split(',');
  const foreign = names.find((name) => !known.includes(name));
  if (foreign === undefined) return names;
  throw new UsageError(`${option}: expected some of ${known.join(', ')}, got '${foreign}'`);
}
