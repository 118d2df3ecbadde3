/**
 * What a command writes. Receives the name that the user gave; a file is written beside its place and then
 * renamed, so that what was there stays whole until the new one is complete, and keeps its mode; a link
 * stays a link; a pipe or device is written to. Refuses, before any work is done, to write over a file that
 * is read, names with the ending of another format, and places that cannot be written to.
 */

import { randomBytes } from 'node:crypto';
import { close, constants, fsync, open, openSync, write } from 'node:fs';
import { access, chmod, chown, rename, rm, stat } from 'node:fs/promises';
import { dirname, extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { ArcfaceError } from '../errors.ts';
import { usage } from './args.ts';
import { ioError } from './files.ts';
import { removeWhenInterrupted } from './leftovers.ts';
import { lstatIfAny, type Place, placeOf } from './output-place.ts';

export type Pieces = Uint8Array | string | Iterable<Uint8Array>;

export interface OutputRules {
  /** For messages: '--output'. */
  readonly option: string;
  /** Every file that the command reads. */
  readonly inputs: readonly string[];
  /** Endings of the formats that can be written; the first is that of a name without one. */
  readonly endings: readonly [string, ...string[]];
}

export interface Output {
  /** One of the rules' endings. */
  readonly ending: string;
  /** May be called once. Pieces are written as they are made. */
  write(pieces: Pieces): Promise<void>;
  /** Prints what the command says besides: on stdout, or on stderr if that is where `write` writes. */
  say(text: string): void;
}

/** Endings that say what a file is. What is written under one of them is that. */
const CLAIMED: Readonly<Record<string, string>> = {
  '.bin': 'raw weights',
  '.bmp': 'a picture',
  '.csv': 'a table',
  '.gif': 'a picture',
  '.h5': 'HDF5',
  '.html': 'a page',
  '.jpeg': 'a picture',
  '.jpg': 'a picture',
  '.json': 'JSON',
  '.keras': 'a Keras model',
  '.npy': 'a NumPy array',
  '.npz': 'NumPy arrays',
  '.onnx': 'an ONNX model',
  '.params': 'MXNet parameters',
  '.pb': 'a TensorFlow model',
  '.png': 'a picture',
  '.pt': 'a PyTorch model',
  '.pth': 'a PyTorch model',
  '.safetensors': 'safetensors',
  '.svg': 'a drawing',
  '.tflite': 'a TensorFlow Lite model',
  '.tsv': 'a table',
  '.txt': 'text',
  '.webp': 'a picture',
  '.xml': 'XML',
  '.zip': 'an archive',
};

export async function planOutput(path: string, rules: OutputRules): Promise<Output> {
  const { option, inputs, endings } = rules;
  if (path === '') throw usage(`${option}: expected the file to write, got an empty name`);
  if (path.endsWith('/') || path.endsWith(sep)) {
    throw usage(`${option}: expected a file to write, got a folder's name, ${path}`);
  }
  const place = await placeOf(path);
  if (place.kind !== 'file') {
    const isStdout = place.kind === 'stdout';
    return {
      ending: endings[0],
      write: (pieces) => writeThrough(place, path, pieces),
      say: (text) => (isStdout ? console.error(text) : console.log(text)),
    };
  }
  await refuseOverwrite(place.path, path, option, inputs);
  const ending = endingOf(path, option, endings);
  await requireWritable(place.path, path);
  return {
    ending,
    write: (pieces) => writeFileAtomically(place.path, pieces, path),
    say: (text) => console.log(text),
  };
}

/** The ending decides the format, or the name is refused: nobody looks for safetensors in r50.onnx. */
function endingOf(path: string, option: string, endings: OutputRules['endings']): string {
  const ending = extname(path).toLowerCase();
  if (endings.includes(ending)) return ending;
  const claim = CLAIMED[ending];
  if (claim === undefined) return endings[0];
  const names = endings.join(' or ');
  throw usage(`${option}: expected a name ending in ${names}, got ${path}, which says ${claim}`);
}

/** Two names of one file have the same device and number, however they are spelled or linked. */
async function refuseOverwrite(
  place: string,
  given: string,
  option: string,
  inputs: readonly string[],
): Promise<void> {
  const identity = async (path: string): Promise<string | undefined> => {
    const stats = await stat(path, { bigint: true }).catch(() => undefined);
    return stats && `${stats.dev}:${stats.ino}`;
  };
  const written = await identity(place);
  // What does not exist is not read either.
  if (written === undefined) return;
  for (const input of inputs) {
    if ((await identity(input)) !== written) continue;
    const read = input === given ? 'which is read' : `which is ${input}`;
    throw usage(
      `${option}: expected a file that is not read, got ${given}, ${read}; give another name`,
    );
  }
}

/** As a shell: what exists must be writable itself, what does not needs its folder. */
async function requireWritable(place: string, given: string): Promise<void> {
  const folder = dirname(place);
  if ((await lstatIfAny(place, given)) !== undefined) {
    await access(place, constants.W_OK).catch(failed(given));
  }
  await access(folder, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isMissing) throw ioError(given, `to write beside it, in ${folder}`, cause);
    const message = `${given}: expected a place to write to, but there is no folder ${folder}`;
    throw new ArcfaceError('io', message, { cause });
  });
}

/** `given` is what messages call the place. */
export async function writeFileAtomically(
  place: string,
  pieces: Pieces,
  given = place,
): Promise<void> {
  const beside = join(dirname(place), `.arcface-wasm-${randomBytes(6).toString('hex')}.part`);
  const done = removeWhenInterrupted(beside);
  try {
    // At once: a signal finds either no file or one that it can remove.
    const fd = openSync(beside, 'wx');
    try {
      await writeAll(fd, pieces);
      await sync(fd);
    } finally {
      await promisify(close)(fd);
    }
    await keepMode(beside, place);
    await rename(beside, place);
  } catch (cause) {
    // What cannot be removed was never made; the first failure is the one to tell.
    await rm(beside, { force: true }).catch(() => undefined);
    failed(given)(cause);
  } finally {
    done();
  }
}

/** Not every file system can, and Node's permission model does not let anybody. */
const NO_SYNC = ['EINVAL', 'ENOSYS', 'ENOTSUP', 'ERR_ACCESS_DENIED'];

/** The bytes are on the disk before they get their name. */
async function sync(fd: number): Promise<void> {
  try {
    await promisify(fsync)(fd);
  } catch (cause) {
    if (!NO_SYNC.includes(String((cause as NodeJS.ErrnoException).code))) throw cause;
  }
}

/** The umask is for new files; one that was there keeps who may read it, and where it can, its owner. */
async function keepMode(beside: string, place: string): Promise<void> {
  const before = await stat(place).catch(() => undefined);
  if (before === undefined) return;
  const now = await stat(beside);
  if (before.uid !== now.uid || before.gid !== now.gid) {
    await chown(beside, before.uid, before.gid).catch(() => undefined);
  }
  await chmod(beside, before.mode & 0o777);
}

async function writeThrough(place: Place, given: string, pieces: Pieces): Promise<void> {
  if (place.kind !== 'stream') {
    const stream = place.kind === 'stdout' ? process.stdout : process.stderr;
    for (const piece of piecesOf(pieces)) {
      await new Promise<void>((done, fail) => {
        stream.write(piece, (error) => (error ? fail(error) : done()));
      }).catch(failed(given));
    }
    return;
  }
  const fd = await promisify(open)(place.path, constants.O_WRONLY).catch(failed(given));
  try {
    await writeAll(fd, pieces);
  } catch (cause) {
    failed(given)(cause);
  } finally {
    await promisify(close)(fd);
  }
}

/** Pieces may fail too while they are made; those errors say what happened. */
function failed(given: string): (cause: unknown) => never {
  return (cause) => {
    throw cause instanceof ArcfaceError ? cause : ioError(given, 'a place to write to', cause);
  };
}

async function writeAll(fd: number, pieces: Pieces): Promise<void> {
  for (const piece of piecesOf(pieces)) {
    for (let at = 0; at < piece.length; ) {
      const { bytesWritten } = await promisify(write)(fd, piece, at, piece.length - at, null);
      at += bytesWritten;
    }
  }
}

function piecesOf(pieces: Pieces): Iterable<Uint8Array> {
  if (typeof pieces === 'string') return [new TextEncoder().encode(pieces)];
  return pieces instanceof Uint8Array ? [pieces] : pieces;
}
