/**
 * Arguments of a command to checked values. Receives what stands behind the command's name; every mistake
 * is a 'usage' error that names the argument, and the option that was probably meant.
 */

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ArcfaceError } from '../errors.ts';
import { type PerChannel, uniform } from '../graph/preprocessing.ts';
import { nearest } from '../nearest.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

type Value<O extends Options[string]> = O['type'] extends 'boolean'
  ? O['multiple'] extends true
    ? boolean[]
    : boolean
  : O['multiple'] extends true
    ? string[]
    : string;

export interface Parsed<T extends Options> {
  readonly values: { readonly [K in keyof T]?: Value<T[K]> | undefined };
  readonly positionals: readonly string[];
}

/** `node:util` parseArgs with messages of its own; what is given twice, and one dash for two, is refused. */
export function parseArguments<const T extends Options>(
  args: readonly string[],
  options: T,
): Parsed<T> {
  const joined = joinNegativeValues(args, options);
  const { values, positionals, tokens } = parseArgs({
    args: joined,
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    refuseSingleDash(joined[token.index] as string, options);
    requireSound(token, options[token.name], options);
    const isAgain = seen.has(token.name) && !options[token.name]?.multiple;
    if (isAgain && token.value !== undefined) {
      throw usage(`${token.rawName}: expected it once, got it twice`);
    }
    seen.add(token.name);
  }
  return { values: values as Parsed<T>['values'], positionals };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** `-output x` would be read as `-o utput`, and x as a file. */
function refuseSingleDash(arg: string, options: Options): void {
  const word = /^-([a-z][a-z-]+)/i.exec(arg)?.[1];
  if (word === undefined || !Object.hasOwn(options, word)) return;
  throw usage(`'${arg}': expected two dashes before a word, got one; did you mean --${word}?`);
}

function requireSound(
  { name, rawName, value, inlineValue }: OptionToken,
  option: Options[string] | undefined,
  options: Options,
): void {
  if (option === undefined || !Object.hasOwn(options, name)) {
    const names = Object.keys(options);
    const guess = nearest(name, names);
    const known = names.map((known) => `--${known}`).join(', ');
    const advice = guess === undefined ? '' : `; did you mean --${guess}?`;
    throw usage(`options: expected some of ${known}, got '${rawName}'${advice}`);
  }
  if (option.type === 'boolean') {
    if (value === undefined) return;
    throw usage(`${rawName}: expected no value, got '${value}'`);
  }
  if (value === undefined) throw usage(`${rawName}: expected a value, got none`);
  if (inlineValue || value === '-' || !value.startsWith('-')) return;
  throw usage(
    `${rawName}: expected a value, got what looks like an option, '${value}'; ` +
      `if it is meant, write ${rawName}=${value}`,
  );
}

/** `--mean -1` means `--mean=-1`: a number is never an option. */
function joinNegativeValues(args: readonly string[], options: Options): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const previous = joined.at(-1) ?? '';
    const takesText = options[previous.slice(2)]?.type === 'string';
    if (takesText && previous.startsWith('--') && /^-[\d.]/.test(arg)) {
      joined[joined.length - 1] = `${previous}=${arg}`;
    } else joined.push(arg);
  }
  return joined;
}

/** The value of `--<name>` as a finite number; undefined when it was not given. */
export function numberOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw usage(`--${name}: expected a number, got '${text}'`);
}

/** The value of `--<name>` as one number for all channels, or three; undefined when it was not given. */
export function channelsOption(name: string, text: string | undefined): PerChannel | undefined {
  const numbers = text?.split(',').map(Number);
  if (text === undefined || numbers === undefined) return undefined;
  const sound =
    text.split(',').every((part) => part.trim() !== '') && numbers.every(Number.isFinite);
  if (sound && numbers.length === 1) return uniform(numbers[0] as number);
  if (sound && numbers.length === 3) return numbers as unknown as PerChannel;
  throw usage(`--${name}: expected a number, or three as a,b,c, got '${text}'`);
}

/** The value of `--<name>` as one of `choices`; undefined when it was not given. */
export function choiceOption<const C extends string>(
  name: string,
  text: string | undefined,
  choices: readonly C[],
): C | undefined {
  if (text === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw usage(`--${name}: expected ${choices.join(', ')}, got '${text}'`);
}

export function usage(message: string): ArcfaceError {
  return new ArcfaceError('usage', message);
}
