#!/usr/bin/env node
/**
 * The command line: finds the command, runs it, turns errors into a message and an exit code:
 * 0 success, 1 the input is at fault, 2 wrong usage. A command's module loads when it is needed.
 */

import { readFile } from 'node:fs/promises';
import { ArcfaceError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Command } from './command.ts';
import { ioError } from './files.ts';

/** Each is the export of `commands/<name>.ts` with the same name. */
const COMMANDS = ['convert', 'inspect', 'embed', 'compare', 'evaluate', 'synth', 'fetch', 'bench'];

async function main(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined) throw new ArcfaceError('usage', await overview());
  if (name === '--help' || name === '-h' || name === 'help') {
    console.log(rest[0] === undefined ? await overview() : `usage: ${(await find(rest[0])).usage}`);
  } else if (name === '--version' || name === '-v') console.log(await version());
  else await runCommand(await find(name), rest);
}

async function runCommand(command: Command, args: readonly string[]): Promise<void> {
  const end = args.indexOf('--');
  const options = end < 0 ? args : args.slice(0, end);
  if (options.includes('--help') || options.includes('-h')) {
    console.log(`usage: ${command.usage}`);
    return;
  }
  try {
    await command.run(args);
  } catch (error) {
    if (!isUsage(error)) throw error;
    throw new ArcfaceError('usage', `${error.message}\n\nusage: ${command.usage}`, {
      cause: error,
    });
  }
}

async function find(name: string): Promise<Command> {
  if (!COMMANDS.includes(name)) {
    const guess = nearest(name, COMMANDS);
    throw new ArcfaceError(
      'usage',
      `arcface-wasm: expected a command (${COMMANDS.join(', ')}), got '${name}'` +
        (guess === undefined ? '' : `; did you mean ${guess}?`),
    );
  }
  const module: Record<string, Command> = await import(`./commands/${name}.ts`);
  return module[name] as Command;
}

async function overview(): Promise<string> {
  const commands = await Promise.all(COMMANDS.map(find));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`);
  return [
    'usage: arcface-wasm <command> [arguments]',
    '',
    ...lines,
    '',
    'arcface-wasm <command> --help tells more about one; --version prints the version.',
  ].join('\n');
}

async function version(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function isUsage(error: unknown): error is ArcfaceError {
  return error instanceof ArcfaceError && error.code === 'usage';
}

function report(error: unknown): void {
  process.exitCode = isUsage(error) ? 2 : 1;
  const isOurs = error instanceof ArcfaceError;
  const message = error instanceof Error ? error.message : String(error);
  if (process.env.ARCFACE_DEBUG) console.error(error);
  else
    console.error(isOurs ? message : `unexpected error: ${message} (ARCFACE_DEBUG=1 shows more)`);
}

/** `| head` closes the pipe early; that is no error. A full disk is. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  process.exitCode = 1;
  const { message } = ioError('standard output', 'to write the result', error);
  process.stderr.write(`${message}\n`, () => process.exit());
}

process.stdout.on('error', onOutputError);
process.stderr.on('error', ({ code }: NodeJS.ErrnoException) => {
  // Nobody can be told.
  process.exit(code === 'EPIPE' ? undefined : 1);
});

main(process.argv.slice(2)).catch(report);
