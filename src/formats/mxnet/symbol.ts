/**
 * MXNet `symbol.json`: bytes -> nodes with text attributes, whichever era wrote them (`attrs`,
 * `attr` and `param`; inputs and heads of two or three elements). Inputs point backwards, so the
 * nodes are in topological order. Refuses anything else; knows nothing about operators.
 */

import { ArcfaceError } from '../../errors.ts';
import { describe, isIntegerIn } from '../../graph/limits.ts';
import { printable } from '../../printable.ts';

/** Output `output` of node `node`. */
export interface SymbolInput {
  readonly node: number;
  readonly output: number;
}

export interface SymbolNode {
  /** 'null' is a variable: the input picture or a parameter. */
  readonly op: string;
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly inputs: readonly SymbolInput[];
}

export interface MxnetSymbol {
  readonly nodes: readonly SymbolNode[];
  readonly heads: readonly SymbolInput[];
  /** '1.2.1', or undefined in files before 0.9. */
  readonly version: string | undefined;
}

const WHERE = 'MXNet symbol.json';
const MAX_BYTES = 2 ** 26;
/** Variables count as nodes here: iresnet200 has about 2,500. */
const MAX_SYMBOL_NODES = 50_000;
const MAX_INPUTS = 16;

export function readSymbol(bytes: Uint8Array): MxnetSymbol {
  const root = asObject(parseJson(bytes), 'top level');
  const list = asArray(field(root, 'nodes'), 'nodes', MAX_SYMBOL_NODES);
  if (list.length === 0) throw fault('nodes', 'at least one node', 'none');
  const nodes = list.map((node, id) => readNode(node, id));
  const heads = asArray(field(root, 'heads'), 'heads', MAX_INPUTS);
  if (heads.length === 0) throw fault('heads', 'at least one head', 'none');
  return {
    nodes,
    heads: heads.map((head) => readInput(head, nodes.length, 'heads')),
    version: readVersion(root),
  };
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_BYTES) throw fault('file', `at most ${MAX_BYTES} bytes`, bytes.length);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 120) : 'something else';
    throw new ArcfaceError('bad_model', `${WHERE}: expected JSON, got ${reason}`, { cause });
  }
}

function readNode(value: unknown, id: number): SymbolNode {
  const where = `node ${id}`;
  const node = asObject(value, where);
  const op = asText(field(node, 'op'), `${where}, op`);
  const name = asText(field(node, 'name'), `${where}, name`);
  const inputs = asArray(field(node, 'inputs'), `${where}, inputs`, MAX_INPUTS);
  return {
    op,
    name,
    attributes: readAttributes(node, where),
    inputs: inputs.map((input) => readInput(input, id, `${where}, inputs`)),
  };
}

/** `param` last: in files before 0.9 it holds the operator's own, `attr` the user's. */
function readAttributes(node: object, where: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const key of ['attr', 'attrs', 'param']) {
    const group = field(node, key);
    if (group === undefined) continue;
    for (const [name, value] of Object.entries(asObject(group, `${where}, ${key}`))) {
      attributes.set(name, asText(value, `${where}, ${key}`));
    }
  }
  return attributes;
}

/** [node, output] or [node, output, version]; `limit` nodes stand before it. */
function readInput(value: unknown, limit: number, where: string): SymbolInput {
  const entry = asArray(value, where, 3);
  const [node, output] = entry;
  if (entry.length < 2 || !isIntegerIn(node, 0, limit - 1) || !isIntegerIn(output, 0, 1024)) {
    throw fault(where, `[node below ${limit}, output]`, entry);
  }
  return { node, output };
}

/** attrs.mxnet_version is ["int", 10201] for 1.2.1. */
function readVersion(root: object): string | undefined {
  const attrs = field(root, 'attrs');
  if (typeof attrs !== 'object' || attrs === null) return undefined;
  const entry = field(attrs, 'mxnet_version');
  const code = Array.isArray(entry) ? entry[1] : undefined;
  if (!isIntegerIn(code, 0, 10_000_000)) return undefined;
  return [Math.floor(code / 10_000), Math.floor(code / 100) % 100, code % 100].join('.');
}

function field(object: object, key: string): unknown {
  return Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;
}

function asObject(value: unknown, where: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw fault(where, 'an object', value);
}

function asArray(value: unknown, where: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw fault(where, 'a list', value);
  if (value.length > most) throw fault(where, `at most ${most} entries`, value.length);
  return value;
}

/** Without control characters: names are printed. */
function asText(value: unknown, where: string): string {
  if (typeof value === 'string') return printable(value);
  throw fault(where, 'text', value);
}

function fault(where: string, expected: string, got: unknown): ArcfaceError {
  const message = `${WHERE}, ${where}: expected ${expected}, got ${describe(got)}`;
  return new ArcfaceError('bad_model', message);
}
