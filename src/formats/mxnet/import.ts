/**
 * MXNet files (`*-symbol.json` and `.params`) -> graph. Only what the asked output depends on is
 * read, so training heads after the embedding are no hindrance. Weights stay in the file's bytes.
 * Refuses operators outside the family, missing parameters and shapes that do not fit.
 */

import { ArcfaceError } from '../../errors.ts';
import { FACE_SHAPE, type Graph, type Tensor } from '../../graph/graph.ts';
import { isRow, viewOf } from '../axes.ts';
import { GraphBuilder, WEIGHTS_PER_BYTE } from '../graph-builder.ts';
import { claimsOfStart, namesOf, startOf } from '../graph-start.ts';
import type { Imported } from '../imported.ts';
import { namingEarlierValue, unknownOperator } from '../refusal.ts';
import { nameOf, tupleOf } from './attributes.ts';
import { MxnetContext } from './context.ts';
import { MXNET_OPERATORS, unknownAttributes } from './operators.ts';
import { readParams } from './params.ts';
import { type MxnetSymbol, readSymbol, type SymbolNode } from './symbol.ts';
import type { Activation, MxnetValue } from './values.ts';

export interface MxnetOptions {
  /**
   * Node whose value is the embedding, with or without `_output`. Default: `fc1`, else the first
   * head. `pre_fc1` is the value before the last batch norm, whatever that node is called.
   */
  readonly output?: string | undefined;
}

export function importMxnet(
  symbolJson: Uint8Array,
  params: Uint8Array,
  options: MxnetOptions = {},
): Imported {
  const symbol = readSymbol(symbolJson);
  const named = paramsByName(params);
  const output = outputNode(symbol, options.output);
  const reached = dependenciesOf(symbol, output);
  const inputId = inputNode(symbol, reached, named);
  const input = graphInput(symbol.nodes[inputId] as SymbolNode);
  const first: MxnetValue = { kind: 'activation', name: input.name, ...viewOf(input.shape) };
  const values = new Map<number, MxnetValue>([[inputId, first]]);
  const builder = new GraphBuilder(input, WEIGHTS_PER_BYTE * (params.length + symbolJson.length));
  const context = new MxnetContext(builder, symbol, named, values);
  symbol.nodes.forEach((node, id) => {
    if (!reached.has(id) || node.op === 'null') return;
    values.set(id, importNode(symbol, node, context, values));
  });
  const embedding = embeddingAt(symbol, output, context, values);
  const graph = context.builder.build('mxnet', embedding.name);
  const start = startOf(graph, context.batchNorms);
  return {
    graph,
    format: 'mxnet',
    formatDetail: `MXNet ${symbol.version ?? 'before 0.9'}`,
    claims: claimsOfStart(start, namesOf(graph)),
    ...(start.reversesChannels && { reversedChannels: true }),
    notes: [...context.notes],
  };
}

function importNode(
  symbol: MxnetSymbol,
  node: SymbolNode,
  context: MxnetContext,
  values: ReadonlyMap<number, MxnetValue>,
): MxnetValue {
  try {
    const operator = MXNET_OPERATORS.get(node.op);
    if (operator) return noting(node, context, operator.read(node, context));
    const supported = [...MXNET_OPERATORS.keys()];
    throw unknownOperator({ format: 'MXNet', operator: node.op, node: node.name, supported });
  } catch (error) {
    const isRefusal = error instanceof ArcfaceError && error.code === 'unsupported_operator';
    const earlier = isRefusal ? vectorBefore(symbol, node, values) : undefined;
    throw earlier === undefined ? error : namingEarlierValue(error as ArcfaceError, earlier);
  }
}

/** Says which attributes a node states that its reader does not know. */
function noting(node: SymbolNode, context: MxnetContext, value: MxnetValue): MxnetValue {
  const unknown = unknownAttributes(node);
  if (unknown.length > 0) {
    const shown = unknown.slice(0, 8).map((key) => key.slice(0, 64));
    context.notes.add(`Left out of ${node.op} nodes: unknown attributes ${shown.join(', ')}.`);
  }
  return value;
}

/** Name of the node whose vector a refused one starts from, over steps of a normalisation. */
function vectorBefore(
  symbol: MxnetSymbol,
  refused: SymbolNode,
  values: ReadonlyMap<number, MxnetValue>,
): string | undefined {
  const open = [refused];
  const seen = new Set<number>();
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const { node: id } of node.inputs) {
      const value = values.get(id);
      if (!value || seen.has(id)) continue;
      seen.add(id);
      const source = symbol.nodes[id] as SymbolNode;
      if (value.kind !== 'activation') open.push(source);
      else if (isRow(value)) return source.name;
    }
  }
  return undefined;
}

function embeddingAt(
  symbol: MxnetSymbol,
  id: number,
  context: MxnetContext,
  values: ReadonlyMap<number, MxnetValue>,
): Activation {
  const node = symbol.nodes[id] as SymbolNode;
  const value = values.get(id);
  if (value === undefined) {
    throw badModel(`output: expected a computed value, got ${nameOf(node)}`);
  }
  return context.computed(node, value, 'an activation as the output');
}

function paramsByName(bytes: Uint8Array): Map<string, Tensor> {
  const named = new Map<string, Tensor>();
  for (const array of readParams(bytes)) {
    const name = array.name.replace(/^(arg|aux):/, '');
    if (named.has(name)) throw badModel(`MXNet .params: expected one array "${name}", got two`);
    named.set(name, array);
  }
  return named;
}

function outputNode(symbol: MxnetSymbol, asked: string | undefined): number {
  const find = (name: string): number => {
    const operators = (node: SymbolNode): boolean => node.op !== 'null' && node.name === name;
    return symbol.nodes.findIndex(operators);
  };
  if (asked === undefined) {
    refuseDetector(symbol);
    const fc1 = find('fc1');
    return fc1 >= 0 ? fc1 : (symbol.heads[0]?.node as number);
  }
  const exact = find(asked);
  if (exact >= 0) return exact;
  const plain = asked.replace(/_output$/, '');
  const stripped = find(plain);
  if (stripped >= 0) return stripped;
  if (plain === 'pre_fc1') return beforeLastNorm(symbol);
  throw new ArcfaceError(
    'bad_argument',
    `MXNet output: expected the name of a node, such as ${lastNames(symbol)}, got ${JSON.stringify(asked.slice(0, 128))}`,
  );
}

/** RetinaFace and its like: many heads, among them boxes. */
function refuseDetector({ heads, nodes }: MxnetSymbol): void {
  const names = heads.map((head) => nodes[head.node]?.name ?? '');
  const boxes = names.filter((name) => /bbox|rpn|landmark/i.test(name));
  if (names.length < 3 || boxes.length < 2) return;
  throw new ArcfaceError(
    'bad_model',
    `MXNet symbol: expected a recognition network, got a face detector (heads ${boxes.slice(0, 2).join(', ')} ` +
      'and others); take the recognition network beside it',
  );
}

/** `pre_fc1` of a network that calls it something else. */
function beforeLastNorm(symbol: MxnetSymbol): number {
  const head = symbol.nodes[outputNode(symbol, undefined)] as SymbolNode;
  const before = head.inputs[0]?.node;
  if (head.op.startsWith('BatchNorm') && before !== undefined) return before;
  const message = `MXNet output: expected a batch norm after "pre_fc1", got ${nameOf(head)}`;
  throw new ArcfaceError('bad_argument', message);
}

function lastNames(symbol: MxnetSymbol): string {
  const operators = symbol.nodes.filter((node) => node.op !== 'null').slice(-5);
  return operators.map((node) => JSON.stringify(node.name.slice(0, 64))).join(', ');
}

function dependenciesOf(symbol: MxnetSymbol, output: number): Set<number> {
  const reached = new Set([output]);
  for (let id = output; id >= 0; id--) {
    if (!reached.has(id)) continue;
    for (const input of symbol.nodes[id]?.inputs ?? []) reached.add(input.node);
  }
  return reached;
}

/** The variable that is no parameter: `data`, or the first one without an array. */
function inputNode(
  symbol: MxnetSymbol,
  reached: ReadonlySet<number>,
  params: ReadonlyMap<string, Tensor>,
): number {
  const isFree = (node: SymbolNode, id: number): boolean =>
    reached.has(id) && node.op === 'null' && !params.has(node.name);
  const data = symbol.nodes.findIndex((node, id) => isFree(node, id) && node.name === 'data');
  const input = data >= 0 ? data : symbol.nodes.findIndex(isFree);
  if (input >= 0) return input;
  throw badModel('MXNet symbol.json: expected an input variable such as "data", got none');
}

/** Symbols rarely state the input's size: then it is that of an aligned face. */
function graphInput(node: SymbolNode): Graph['input'] {
  const shape = tupleOf(node, '__shape__')?.slice(1);
  const stated = shape?.length === 3 && shape.every((n) => n > 0);
  return { name: node.name, shape: stated ? (shape as [number, number, number]) : FACE_SHAPE };
}

function badModel(message: string): ArcfaceError {
  return new ArcfaceError('bad_model', message);
}
