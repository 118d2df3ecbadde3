/**
 * Damage to JSON, value by value, also inside strings that hold JSON themselves: what is written is JSON
 * again, but for a key that stands twice.
 */

import type { Random } from '../../support/graphs.ts';
import { mutateBytes } from './bytes.ts';
import { below, chance, type Mutator, NUMBER_TEXTS, pick } from './choose.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface Slot {
  get(): Json;
  set(value: Json): void;
  remove(): void;
}

const KEYS = ['__proto__', 'constructor', 'toString', 'length', '', 'name', 'op', 'inputs', '0'];
/** Written instead of a number that JSON cannot hold. */
const HUGE = '"\u0001huge"';

export const mutateJson: Mutator = (bytes, random) => {
  const text = mutateJsonText(new TextDecoder().decode(bytes), random);
  return text === undefined ? mutateBytes(bytes, random) : new TextEncoder().encode(text);
};

/** Undefined where the text is no JSON that holds anything. */
export function mutateJsonText(text: string, random: Random): string | undefined {
  let root: Json;
  try {
    root = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  const slots = slotsIn(root);
  if (slots.length === 0) return undefined;
  const slot = pick(random, slots);
  const inside = slot.get();
  const nested =
    typeof inside === 'string' && /^[{[]/.test(inside) && chance(random, 0.9)
      ? mutateJsonText(inside, random)
      : undefined;
  if (nested !== undefined) slot.set(nested);
  else changeSlot(slot, slots, random);
  const written = JSON.stringify(root).replaceAll(
    HUGE,
    pick(random, ['1e999', '-1e999', '1e-999']),
  );
  return chance(random, 0.02) ? twice(written, random) : written;
}

function changeSlot(slot: Slot, slots: readonly Slot[], random: Random): void {
  const value = slot.get();
  const kind = below(random, 8);
  if (kind === 0) slot.remove();
  else if (kind === 1) slot.set(structuredClone(pick(random, slots).get()));
  else if (kind === 2) grow(slot, value, random);
  else slot.set(replacement(value, random));
}

function replacement(value: Json, random: Random): Json {
  if (chance(random, 0.3))
    return pick<Json>(random, [null, true, false, 0, '', [], {}, HUGE.slice(1, -1)]);
  if (typeof value === 'number') return Number(pick(random, NUMBER_TEXTS)) || below(random, 600);
  if (typeof value === 'string') return changedText(value, random);
  return pick<Json>(random, [value, [value], { value }, 'text', 7, nested(1 + below(random, 60))]);
}

function changedText(value: string, random: Random): string {
  const number = pick(random, NUMBER_TEXTS);
  const parts = value.split(/(-?\d+(?:\.\d+)?)/);
  const at = below(random, parts.length);
  const inPlace = parts.map((part, i) => (i === at ? number : part)).join('');
  const long = 'x'.repeat(pick(random, [256, 257, 5000]));
  return pick(random, [
    inPlace,
    inPlace,
    number,
    `${value}\u0000`,
    '\u001b[2J',
    long,
    value.slice(1),
  ]);
}

/** A list or an object gets more of what it holds; other values become a list of themselves. */
function grow(slot: Slot, value: Json, random: Random): void {
  const copies = pick(random, [1, 2, 30, 300]);
  if (Array.isArray(value)) slot.set(Array.from({ length: copies }, () => value).flat(1) as Json[]);
  else if (typeof value === 'object' && value !== null) {
    const own = Object.defineProperty({ ...value }, pick(random, KEYS), {
      value: 7,
      enumerable: true,
    });
    slot.set(own as Json);
  } else slot.set(Array<Json>(copies).fill(value));
}

function nested(depth: number): Json {
  let value: Json = [];
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** The first key of some object stands in it a second time. */
function twice(text: string, random: Random): string {
  const keys = [...text.matchAll(/\{("[^"\\]*":)/g)];
  const key = keys.length > 0 ? pick(random, keys) : undefined;
  if (key === undefined) return text;
  const at = key.index + 1;
  return `${text.slice(0, at)}${key[1]}1,${text.slice(at)}`;
}

function slotsIn(value: Json): Slot[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as { [key: string]: Json };
  return Object.keys(holder).flatMap((key) => [
    {
      get: () => holder[key] as Json,
      set: (next: Json) => {
        holder[key] = next;
      },
      remove: () => {
        if (Array.isArray(value)) value.splice(Number(key), 1);
        else delete holder[key];
      },
    },
    ...slotsIn(holder[key] as Json),
  ]);
}
