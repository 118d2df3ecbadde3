/** Attributes of a node, each of the kind that its operator asks for. */

import { describe, expect } from '../../graph/limits.ts';
import type { OnnxAttribute, OnnxNode } from './model.ts';
import { whereOf } from './refuse.ts';

export function intAttribute(node: OnnxNode, name: string, fallback: number): number {
  return attribute(node, name, 'int', 0) ?? fallback;
}

export function floatAttribute(node: OnnxNode, name: string, fallback: number): number {
  const value = attribute(node, name, 'float', 0) ?? fallback;
  expect(!Number.isNaN(value), 'bad_model', whereOf(node), `a number as ${name}`, value);
  return value;
}

export function textAttribute(node: OnnxNode, name: string, fallback: string): string {
  return attribute(node, name, 'text', '') ?? fallback;
}

export function intsAttribute(node: OnnxNode, name: string): readonly number[] | undefined {
  return attribute(node, name, 'ints', []);
}

/** Writers of protobuf 3 leave out zeros and empty lists, so a present attribute may hold nothing. */
export function attribute<Key extends keyof OnnxAttribute>(
  node: OnnxNode,
  name: string,
  key: Key,
  empty: NonNullable<OnnxAttribute[Key]>,
): NonNullable<OnnxAttribute[Key]> | undefined {
  const held = node.attributes.get(name);
  if (!held) return undefined;
  const kinds = Object.keys(held);
  const fits = kinds.length === 0 || (kinds.length === 1 && kinds[0] === key);
  expect(fits, 'bad_model', whereOf(node), `attribute ${describe(name)} of kind ${key}`, kinds);
  return held[key] ?? empty;
}
