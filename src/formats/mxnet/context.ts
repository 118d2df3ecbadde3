/**
 * What an MXNet operator needs while it is imported: the graph so far, the values of its inputs and
 * the parameters behind them. Refuses missing parameters and shapes that differ from the expected.
 */

import { ArcfaceError } from '../../errors.ts';
import type { Tensor } from '../../graph/graph.ts';
import { channelValues } from '../broadcast.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import { nameOf } from './attributes.ts';
import type { MxnetSymbol, SymbolNode } from './symbol.ts';

export class MxnetContext {
  readonly builder: GraphBuilder;
  /** What was assumed, for `Imported.notes`. */
  readonly notes = new Set<string>();
  /** Graph nodes that were batch norms. */
  readonly batchNorms = new Set<string>();
  private readonly symbol: MxnetSymbol;
  private readonly params: ReadonlyMap<string, Tensor>;
  private readonly values: Map<number, string>;

  /** `values`: graph values by node id; starts with the input picture's. */
  constructor(
    builder: GraphBuilder,
    symbol: MxnetSymbol,
    params: ReadonlyMap<string, Tensor>,
    values: Map<number, string>,
  ) {
    this.builder = builder;
    this.symbol = symbol;
    this.params = params;
    this.values = values;
  }

  /** Graph value behind input `index`: an activation. */
  value(node: SymbolNode, index: number): string {
    const input = node.inputs[index];
    const value = input && this.values.get(input.node);
    if (value !== undefined && input?.output === 0) return value;
    const got = input ? this.describe(input.node, input.output) : `${node.inputs.length} inputs`;
    throw badModel(`${nameOf(node)}: expected an activation as input ${index}, got ${got}`);
  }

  /** Whether input `index` is a variable other than the picture. */
  isParameter(node: SymbolNode, index: number): boolean {
    const input = node.inputs[index];
    if (!input) return false;
    return !this.values.has(input.node) && this.symbol.nodes[input.node]?.op === 'null';
  }

  /** Parameter behind input `index`, of any shape. `role` says what for: 'weights'. */
  parameter(node: SymbolNode, index: number, role: string): Tensor {
    const input = node.inputs[index];
    if (!input || !this.isParameter(node, index)) {
      const got = input ? this.describe(input.node, input.output) : `${node.inputs.length} inputs`;
      throw badModel(`${nameOf(node)}: expected ${role} as input ${index}, got ${got}`);
    }
    return this.named(node, this.symbol.nodes[input.node]?.name ?? '', role);
  }

  /** Parameter of that name, for the inputs that files before 0.9 leave out. */
  named(node: SymbolNode, name: string, role: string): Tensor {
    const param = this.params.get(name);
    if (param) return param;
    const missing = JSON.stringify(name.slice(0, 128));
    throw badModel(
      `${nameOf(node)}: expected ${role} ${missing} in the .params file, got none; ` +
        'do both files belong together?',
    );
  }

  /** One f64 per channel from a parameter of shape [length]. */
  vector(node: SymbolNode, param: Tensor, length: number, role: string): Float64Array {
    this.requireShape(node, param, [length], role);
    return Float64Array.from(param.read());
  }

  requireShape(node: SymbolNode, param: Tensor, shape: readonly number[], role: string): void {
    const same = param.shape.length === shape.length && shape.every((n, i) => n === param.shape[i]);
    if (same) return;
    throw badModel(
      `${nameOf(node)}: expected ${role} of shape [${shape}], got [${param.shape.slice(0, 8)}]`,
    );
  }

  /** A constant operand of a broadcast operator, one value per channel of `value`. */
  channels(node: SymbolNode, index: number, value: string): Float64Array {
    const param = this.parameter(node, index, 'a constant');
    const values = channelValues(param, this.builder.shapeOf(value));
    if (values) return values;
    const shape = this.builder.shapeOf(value);
    throw badModel(
      `${nameOf(node)}: expected a constant per channel of [1,${shape}], got [${param.shape}]`,
    );
  }

  private describe(id: number, output: number): string {
    const node = this.symbol.nodes[id] as SymbolNode;
    return `output ${output} of ${nameOf(node)}`;
  }
}

function badModel(message: string): ArcfaceError {
  return new ArcfaceError('bad_model', message);
}
