import { describe, expect, it } from 'vitest';
import { choiceOption, numberOption, parseArguments } from '../../src/cli/args.ts';
import { startProgress } from '../../src/cli/progress.ts';
import { landmarksPerFace } from '../../src/cli/read-face.ts';
import { OPEN_MODEL_ZOO, THRESHOLDS } from '../../src/cli/thresholds.ts';

const options = {
  mean: { type: 'string' },
  json: { type: 'boolean' },
  out: { type: 'string', short: 'o' },
} as const;

describe('parseArguments', () => {
  it('separates options from positional arguments, in any order', () => {
    const { values, positionals } = parseArguments(
      ['a', '--json', '-o', 'x', 'b', '--', '--mean'],
      options,
    );
    expect({ ...values }).toEqual({ json: true, out: 'x' });
    expect(positionals).toEqual(['a', 'b', '--mean']);
  });

  it('takes negative numbers as values', () => {
    expect(parseArguments(['--mean', '-1.5'], options).values.mean).toBe('-1.5');
    expect(parseArguments(['--mean', '-.5'], options).values.mean).toBe('-.5');
  });

  it.each([[['--nope']], [['--json=yes']], [['--mean']], [['-x']]])(
    'refuses %j as wrong usage',
    (args) => {
      expect(() => parseArguments(args, options)).toThrow(
        expect.objectContaining({ code: 'usage' }),
      );
    },
  );
});

describe('mistakes that would be read as something else', () => {
  const many = {
    ...options,
    normalize: { type: 'boolean' },
    url: { type: 'string', multiple: true },
  } as const;
  it.each<[string[], RegExp]>([
    [
      ['--normalise'],
      /^options: expected some of --mean, .*, got '--normalise'; did you mean --normalize\?$/,
    ],
    [['--jsn'], /did you mean --json\?$/],
    [['--ou=x'], /got '--ou'; did you mean --out\?$/],
    [['--frobnicate'], /got '--frobnicate'$/],
    [['--toString'], /got '--toString'$/],
    [['-out', 'x'], /^'-out': expected two dashes before a word, got one; did you mean --out\?$/],
    [['-normalize'], /did you mean --normalize\?$/],
    [['--out', '--json'], /^--out: expected a value, got what looks like an option, '--json'; if/],
    [['--out'], /^--out: expected a value, got none$/],
    [['--json=yes'], /^--json: expected no value, got 'yes'$/],
    [['--out', 'a', '-o', 'b'], /^-o: expected it once, got it twice$/],
  ])('%j', (args, message) => {
    expect(() => parseArguments(args, many)).toThrow(message);
  });

  it('leave alone what is meant', () => {
    const { values, positionals } = parseArguments(
      ['--out', '-', '--url=a', '--url', 'b', '--mean=-x', '--json', '--json', '--', '-out'],
      many,
    );
    expect({ ...values }).toEqual({ out: '-', url: ['a', 'b'], mean: '-x', json: true });
    expect(positionals).toEqual(['-out']);
  });
});

describe('option values', () => {
  it('are numbers or one of a list, and undefined when not given', () => {
    expect(numberOption('mean', '127.5')).toBe(127.5);
    expect(numberOption('mean', undefined)).toBeUndefined();
    expect(choiceOption('isa', 'simd', ['auto', 'simd'])).toBe('simd');
    expect(choiceOption('isa', undefined, ['auto'])).toBeUndefined();
  });

  it.each(['', ' ', 'x', '1e999', '1,5'])('refuses %j as a number', (text) => {
    expect(() => numberOption('mean', text)).toThrow(/--mean: expected a number/);
  });

  it('are landmarks separated by commas or spaces', () => {
    expect(landmarksPerFace(['1,2.5, 3\n-4'], ['a'])).toEqual([[1, 2.5, 3, -4]]);
    for (const text of ['', '1,,2', '1,a', '1,NaN']) {
      expect(() => landmarksPerFace([text], ['a'])).toThrow(/--landmarks: expected numbers/);
    }
  });

  it('are landmarks as often as faces, or never', () => {
    expect(landmarksPerFace(undefined, ['a', 'b'])).toEqual([undefined, undefined]);
    expect(landmarksPerFace(['none', '1,2'], ['a', 'b'])).toEqual([undefined, [1, 2]]);
    expect(() => landmarksPerFace(['1,2'], ['a', 'b'])).toThrow(
      /^--landmarks: expected it once for each of 2 faces, .*none for .*, got it 1 times$/,
    );
  });
});

describe('startProgress', () => {
  const recorded = (isTTY: boolean): { text: string[]; stream: NodeJS.WriteStream } => {
    const text: string[] = [];
    const stream = { isTTY, columns: 30, write: (part: string) => text.push(part) };
    return { text, stream: stream as unknown as NodeJS.WriteStream };
  };

  it('is silent when the stream is no terminal', () => {
    const { text, stream } = recorded(false);
    const progress = startProgress('loading', stream);
    progress.update(1, 2);
    progress.end();
    expect(text).toEqual([]);
  });

  it('redraws one line within the width of the terminal, and clears it', () => {
    const { text, stream } = recorded(true);
    const progress = startProgress('loading', stream);
    progress.update(130_500_000, 261_000_000);
    progress.update(130_500_001, 261_000_000);
    progress.update(261_000_000, 261_000_000);
    progress.end();
    expect(text).toEqual([
      '\r\x1b[2Kloading 130.5 of 261.0 MB (50',
      '\r\x1b[2Kloading 261.0 of 261.0 MB (10',
      '\r\x1b[2K',
    ]);
  });
});

describe('THRESHOLDS', () => {
  it('ascend and include the one published for this network', () => {
    const values = THRESHOLDS.map(({ cosine }) => cosine);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(THRESHOLDS).toContain(OPEN_MODEL_ZOO);
  });
});
