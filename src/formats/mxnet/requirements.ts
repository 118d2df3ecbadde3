/** Refusals of what a file may well mean but this model family does not use. */

import { ArcfaceError } from '../../errors.ts';
import { nameOf } from './attributes.ts';
import type { SymbolNode } from './symbol.ts';

export function requireInputs(node: SymbolNode, count: number): void {
  requireThat(node.inputs.length === count, node, `${count} inputs`, node.inputs.length);
}

export function requireThat(
  ok: boolean,
  node: SymbolNode,
  expected: string,
  got: string | number,
): asserts ok {
  if (ok) return;
  const shown = String(got).slice(0, 80);
  const message = `${nameOf(node)}: expected ${expected}, got ${shown}`;
  throw new ArcfaceError('unsupported_operator', message);
}
