/**
 * Attributes of MXNet operators: text as Python or C++ wrote it ("(3, 3)", "(3L, 3L)", "True",
 * "2e-05") -> values, with the operator's default where absent. Refuses what is no such value.
 */

import { ArcfaceError } from '../../errors.ts';
import type { SymbolNode } from './symbol.ts';

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const TUPLE = /^[([](-?\d{1,9}L?)(,-?\d{1,9}L?){0,7},?[)\]]$/;

/** Without a default the attribute must be there. */
export function numberOf(node: SymbolNode, key: string, otherwise?: number): number {
  const text = node.attributes.get(key)?.trim();
  if (text === undefined && otherwise !== undefined) return otherwise;
  if (text === undefined || !NUMBER.test(text)) throw fault(node, key, 'a number', text);
  return Number(text);
}

export function flagOf(node: SymbolNode, key: string, otherwise: boolean): boolean {
  const text = node.attributes.get(key)?.trim().toLowerCase();
  if (text === undefined) return otherwise;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw fault(node, key, 'True or False', text);
}

export function textOf(node: SymbolNode, key: string, otherwise: string): string {
  return node.attributes.get(key) ?? otherwise;
}

/** Integers between brackets; undefined if absent or empty. */
export function tupleOf(node: SymbolNode, key: string): number[] | undefined {
  const text = node.attributes.get(key)?.replace(/\s+/g, '');
  if (text === undefined || text === '()' || text === '[]' || text === 'None') return undefined;
  if (!TUPLE.test(text)) throw fault(node, key, 'a tuple of integers', text);
  return text
    .slice(1, -1)
    .split(',')
    .filter((part) => part !== '')
    .map((part) => Number.parseInt(part, 10));
}

/** One integer or a tuple of them; undefined if absent or empty. */
export function axesOf(node: SymbolNode, key: string): number[] | undefined {
  const text = node.attributes.get(key)?.trim() ?? '';
  return /^-?\d{1,9}L?$/.test(text) ? [Number.parseInt(text, 10)] : tupleOf(node, key);
}

/** Height and width. */
export function pairOf(
  node: SymbolNode,
  key: string,
  otherwise?: readonly [number, number],
): readonly [number, number] {
  const tuple = tupleOf(node, key) ?? otherwise;
  if (tuple?.length === 2) return tuple as readonly [number, number];
  throw fault(node, key, 'a tuple of two integers', node.attributes.get(key));
}

/** 'Convolution "conv0"': how messages name a node. */
export function nameOf(node: SymbolNode): string {
  return `MXNet ${node.op} ${JSON.stringify(node.name.slice(0, 128))}`;
}

function fault(node: SymbolNode, key: string, expected: string, got: string | undefined): Error {
  const shown = got === undefined ? 'nothing' : JSON.stringify(got.slice(0, 80));
  const message = `${nameOf(node)}, ${key}: expected ${expected}, got ${shown}`;
  return new ArcfaceError('bad_model', message);
}
