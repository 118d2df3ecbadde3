/**
 * `synth`: an architecture and a seed in, an ONNX file with random weights out. The file is written
 * piece by piece beside its place and then renamed.
 */

import {
  SYNTH_ARCHITECTURES,
  type SynthArchitecture,
  synthesize,
} from '../../synth/architectures.ts';
import { onnxOfSynth } from '../../synth/onnx.ts';
import { numberOption, parseArguments, usage } from '../args.ts';
import type { Command } from '../command.ts';
import { planOutput } from '../output.ts';
import { startProgress } from '../progress.ts';
import { rowName } from '../text.ts';

const LARGEST_SEED = 2 ** 32 - 1;

export const synth: Command = {
  name: 'synth',
  summary: 'an architecture with random weights as ONNX: for speed and exactness only',
  usage: `arcface-wasm synth <${SYNTH_ARCHITECTURES.join('|')}> --seed <n> -o <file.onnx>

Writes the network with seeded weights as an ONNX file that any engine can run: to measure speed
and to compare results, never to recognise anyone, for nothing was learned.

  --seed <n>           0 to ${LARGEST_SEED}; the same seed gives the same bytes
  -o, --output <file>  an existing file is replaced when the new one is complete`,

  async run(args) {
    const { values, positionals } = parseArguments(args, {
      seed: { type: 'string' },
      output: { type: 'string', short: 'o' },
    });
    const [name, ...others] = positionals;
    const architecture = SYNTH_ARCHITECTURES.find((known) => known === name);
    if (architecture === undefined || others.length > 0) {
      const got = positionals.join(' ') || 'none';
      throw usage(`synth: expected one of ${SYNTH_ARCHITECTURES.join(', ')}, got ${got}`);
    }
    const seed = numberOption('seed', values.seed);
    if (seed === undefined || !Number.isInteger(seed) || seed < 0 || seed > LARGEST_SEED) {
      throw usage(
        `synth: expected --seed with an integer 0..${LARGEST_SEED}, got ${values.seed ?? 'none'}`,
      );
    }
    if (!values.output) throw usage('synth: expected -o with the file to write, got none');
    await write(architecture, seed, values.output);
  },
};

async function write(architecture: SynthArchitecture, seed: number, path: string): Promise<void> {
  const model = synthesize(architecture, seed);
  const output = await planOutput(path, { option: '--output', inputs: [], endings: ['.onnx'] });
  const progress = startProgress(`synth ${architecture}`);
  let bytes = 0;
  function* counted(): Generator<Uint8Array> {
    for (const piece of onnxOfSynth(model, 'zoo')) {
      bytes += piece.length;
      progress.update(bytes, undefined);
      yield piece;
    }
  }
  try {
    await output.write(counted());
  } finally {
    progress.end();
  }
  output.say(
    `${rowName(path)}: ${architecture} with random weights (seed ${seed}), ${bytes} bytes.\n` +
      'For speed and exactness only: nothing was learned, so it recognises nobody.',
  );
}
