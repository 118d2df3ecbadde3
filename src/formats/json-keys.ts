/**
 * JSON from outside: parsed, with duplicate keys, deep nesting and broken text refused. Duplicate
 * keys give one file two meanings, and `JSON.parse` silently takes the last.
 */

import { ArcfaceError, type ErrorCode } from '../errors.ts';

const MAX_DEPTH = 8;
export function parseJsonStrictly(text: string, where: string, code: ErrorCode): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ArcfaceError(code, `${where}: expected JSON, got ${String(cause)}`, { cause });
  }
  const fault = isPlain(value, text) ? undefined : findFault(text);
  if (fault) throw new ArcfaceError(code, `${where}: ${fault}`);
  return value;
}

/**
 * True for what `convert` wrote: text that comes out of its value again has lost no key. It spares a cold start
 * the walk through every character, which takes 5 ms in a runtime that has not compiled it yet.
 */
function isPlain(value: unknown, text: string): boolean {
  return isShallow(value, MAX_DEPTH) && JSON.stringify(value) === text.trimEnd();
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1));
}

/** `text` is valid JSON: strings and brackets are enough to see its keys. */
function findFault(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let start = 0;
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      start = at;
      end = endOfString(text, at);
      at = end - 1;
    } else if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : undefined);
      if (open.length > MAX_DEPTH) return `expected at most ${MAX_DEPTH} levels, got more`;
    } else if (char === '}' || char === ']') {
      open.pop();
    } else if (char === ':') {
      const key: string = JSON.parse(text.slice(start, end));
      const keys = open.at(-1) as Set<string>;
      if (keys.has(key)) return `expected every key once, got "${key.slice(0, 80)}" twice`;
      keys.add(key);
    }
  }
  return undefined;
}

/** The place behind the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); ; quote = text.indexOf('"', quote + 1)) {
    let first = quote;
    while (text[first - 1] === '\\') first -= 1;
    if ((quote - first) % 2 === 0) return quote + 1;
  }
}
