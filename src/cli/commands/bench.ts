/** `bench`: runs the benchmarks of a checkout; they are not part of the package. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ArcfaceError } from '../../errors.ts';
import { runProgram } from '../child.ts';
import type { Command } from '../command.ts';

export const bench: Command = {
  name: 'bench',
  summary: 'kernel, layer and model benchmarks (in a checkout)',
  usage: `arcface-wasm bench [arguments of bench/run.mjs]

Needs a checkout of the repository: the benchmarks and their peers are not part of the package. Peers are
about 700 MB, downloaded once: you are asked first, or say --yes; --peers none does without them.`,

  async run(args) {
    const script = fileURLToPath(new URL('../../../bench/run.mjs', import.meta.url));
    if (!existsSync(script)) {
      throw new ArcfaceError(
        'io',
        'bench: expected bench/run.mjs beside the package, got none; run it in a checkout of the repository',
      );
    }
    process.exitCode = await runProgram(script, args);
  },
};
