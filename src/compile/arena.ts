/**
 * Memory arena: gives every activation an offset so that tensors alive at the same time do not
 * overlap. Receives sizes and lifetimes in steps, returns offsets; plain data, no memory.
 *
 * Greedy by size (Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference,
 * 2020): the largest tensor first, each at the lowest free offset among those alive with it.
 */

export interface Lifetime {
  readonly name: string;
  readonly bytes: number;
  /** First and last step that touches the tensor, both inclusive. */
  readonly first: number;
  readonly last: number;
}

export interface Arena {
  /** Bytes from the arena's base, multiples of `ALIGNMENT`. */
  readonly offsets: ReadonlyMap<string, number>;
  readonly bytes: number;
  /** No plan can need less: the largest sum of sizes alive at one step. */
  readonly lowerBoundBytes: number;
}

/** A cache line; vectors need 16. */
const ALIGNMENT = 64;

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

export function planArena(lifetimes: readonly Lifetime[]): Arena {
  const placed: { tensor: Lifetime; offset: number }[] = [];
  const bySize = [...lifetimes].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const tensor of bySize) {
    const rivals = placed
      .filter((p) => p.tensor.first <= tensor.last && tensor.first <= p.tensor.last)
      .sort((a, b) => a.offset - b.offset);
    placed.push({ tensor, offset: lowestGap(rivals, tensor.bytes) });
  }
  const ends = placed.map((p) => p.offset + align(p.tensor.bytes));
  return {
    offsets: new Map(placed.map((p) => [p.tensor.name, p.offset])),
    bytes: Math.max(0, ...ends),
    lowerBoundBytes: lowerBound(lifetimes),
  };
}

function lowestGap(rivals: readonly { tensor: Lifetime; offset: number }[], bytes: number): number {
  let offset = 0;
  for (const rival of rivals) {
    if (offset + bytes <= rival.offset) break;
    offset = Math.max(offset, rival.offset + align(rival.tensor.bytes));
  }
  return offset;
}

function lowerBound(lifetimes: readonly Lifetime[]): number {
  let most = 0;
  for (const at of lifetimes) {
    const alive = lifetimes.filter((t) => t.first <= at.first && at.first <= t.last);
    most = Math.max(
      most,
      alive.reduce((sum, t) => sum + align(t.bytes), 0),
    );
  }
  return most;
}
