/**
 * The `.part` file and, beside it, the validator of its version (a strong ETag, else Last-Modified), so
 * that a later run can ask the server for the rest of the same version only. Both are regular files of this
 * program's own, or refused.
 */

import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises';
import { diskError } from './disk.ts';
import { NO_LINK, ownFileSize } from './own-file.ts';

const validatorPath = (part: string): string => `${part}.version`;

/** Bytes that have arrived. Throws 'io' if something else stands where the part or its validator belongs. */
export async function partSize(part: string): Promise<number> {
  await ownFileSize(validatorPath(part));
  return ownFileSize(part);
}

export async function readValidator(part: string): Promise<string | null> {
  try {
    const text = await readFile(validatorPath(part), 'latin1');
    // It becomes a header: one line of visible characters.
    return /^[\x20-\x7e]{1,512}$/.test(text) ? text : null;
  } catch {
    return null;
  }
}

/** Weak ETags may not be used in If-Range (RFC 9110, 13.1.5). */
async function writeValidator(part: string, headers: Headers): Promise<void> {
  const etag = headers.get('etag');
  const strong = etag?.startsWith('"') === true ? etag : null;
  const validator = strong ?? headers.get('last-modified');
  if (validator === null) await forgetValidator(part);
  else {
    const { O_WRONLY, O_CREAT, O_TRUNC } = constants;
    const flag = O_WRONLY | O_CREAT | O_TRUNC | NO_LINK;
    const options = { encoding: 'latin1', flag } as const;
    await writeFile(validatorPath(part), validator, options).catch(diskError(part));
  }
}

export async function forgetValidator(part: string): Promise<void> {
  await rm(validatorPath(part), { force: true });
}

/**
 * Writes the body from `offset` on; `inspect` sees each chunk before it is written and may throw. The
 * file is opened, and cut when `offset` is 0, only after the first chunk has passed: an error page
 * never costs what has arrived.
 */
export async function appendBody(
  part: string,
  { body, headers }: Response,
  offset: number,
  inspect: (chunk: Uint8Array, position: number) => void,
): Promise<void> {
  let file: FileHandle | undefined;
  let position = offset;
  try {
    for await (const chunk of body ?? []) {
      inspect(chunk, position);
      if (file === undefined) {
        await writeValidator(part, headers);
        const { O_WRONLY, O_CREAT, O_TRUNC } = constants;
        const start = offset === 0 ? O_CREAT | O_TRUNC : 0;
        file = await open(part, O_WRONLY | start | NO_LINK).catch(diskError(part));
      }
      await writeAll(file, chunk, position).catch(diskError(part));
      position += chunk.length;
    }
    await file?.sync().catch(diskError(part));
  } finally {
    await file?.close();
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    const rest = chunk.length - written;
    written += (await file.write(chunk, written, rest, position + written)).bytesWritten;
  }
}
