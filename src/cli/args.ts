/** Arguments of a command to checked values. Receives what stands behind the command's name; every mistake is a 'usage' error that names the argument. */

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ArcfaceError } from '../errors.ts';
import { type PerChannel, uniform } from '../graph/preprocessing.ts';

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

/** `node:util` parseArgs with usage errors in place of its own. */
export function parseArguments<const T extends Options>(
  args: readonly string[],
  options: T,
): Parsed<T> {
  try {
    const { values, positionals } = parseArgs({
      args: joinNegativeValues(args, options),
      options,
      allowPositionals: true,
      strict: true,
    });
    return { values: values as Parsed<T>['values'], positionals };
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause));
  }
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
