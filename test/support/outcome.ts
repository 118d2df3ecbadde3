/** How a call on hostile input ended: anything but a result or a coded error is thrown on. */

import { ArcfaceError } from '../../src/errors.ts';

/** 'read' or the error's code. */
export function codeOf(read: () => unknown): string {
  return outcomeOf(read)[0];
}

/** 'read' or the error's message. */
export function messageOf(read: () => unknown): string {
  return outcomeOf(read)[1];
}

function outcomeOf(read: () => unknown): readonly [string, string] {
  try {
    read();
    return ['read', 'read'];
  } catch (error) {
    if (error instanceof ArcfaceError) return [error.code, error.message];
    throw error;
  }
}
