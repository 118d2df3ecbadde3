/** Damage to lists of lines with fields: pairs.txt, CSV. */

import type { Random } from '../../support/graphs.ts';
import { mutateBytes } from './bytes.ts';
import { below, type Mutator, NUMBER_TEXTS, pick } from './choose.ts';

const ODD_FIELDS = [
  ...[
    '../etc',
    '..',
    '.',
    'a/b',
    'a\\b',
    '\u0000',
    'Zoë',
    '"quoted"',
    '"',
    "'",
    'a,b',
    ' ',
    '\u2028',
  ],
  ...['-1', '0', '1', '999999', '1000000', 'x'.repeat(300), '\u001b[31m', '=cmd()', '%00', 'CON'],
];

export const mutateLines: Mutator = (bytes, random) => {
  const text = new TextDecoder().decode(bytes);
  const lines = text.split('\n');
  pick(random, CHANGES)(lines, random);
  const joined = lines.join(pick(random, ['\n', '\n', '\n', '\r\n', '\r', '\n\n']));
  if (joined === text) return mutateBytes(bytes, random);
  return new TextEncoder().encode(joined);
};

type LineChange = (lines: string[], random: Random) => void;

const changeField: LineChange = (lines, random) => {
  const at = below(random, lines.length);
  const parts = (lines[at] as string).split(/([\t, ])/);
  parts[2 * below(random, Math.ceil(parts.length / 2))] = pick(random, [
    ...ODD_FIELDS,
    ...NUMBER_TEXTS,
  ]);
  lines[at] = parts.join('');
};

const CHANGES: readonly LineChange[] = [
  changeField,
  changeField,
  (lines, random) => void lines.splice(below(random, lines.length), 1),
  (lines, random) => {
    const at = below(random, lines.length);
    lines.splice(at, 0, ...Array<string>(pick(random, [1, 2, 500])).fill(lines[at] as string));
  },
  (lines, random) => {
    const at = below(random, lines.length);
    lines[at] = (lines[at] as string).replace(
      /[\t, ]/g,
      pick(random, ['\t', ',', ' ', ', ', ';', '']),
    );
  },
  (lines, random) => {
    lines[0] = pick(random, [
      '10\t300',
      '10 300',
      '2',
      '1\t1',
      '0',
      '\uFEFF10',
      'name,a,b',
      '',
      '-5\t3',
    ]);
  },
  (lines, random) => {
    lines[below(random, lines.length)] = '\t'.repeat(below(random, 200));
  },
];
