/**
 * What an MXNet operator needs while it is imported: the graph so far, the values of its inputs and
 * the parameters behind them. Refuses missing parameters and shapes that differ from the expected.
 */

import { ArcfaceError } from '../../errors.ts';
import type { GraphNode, RunningStatistics, Tensor } from '../../graph/graph.ts';
import { channelsFirst, dimsOf, isChannelsFirst, type View, variesAlong, viewOf } from '../axes.ts';
import { exactValues } from '../broadcast.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import { nameOf } from './attributes.ts';
import { requireThat } from './requirements.ts';
import type { MxnetSymbol, SymbolNode } from './symbol.ts';
import type { Activation, MxnetValue } from './values.ts';

export class MxnetContext {
  readonly builder: GraphBuilder;
  /** What was assumed, for `Imported.notes`. */
  readonly notes = new Set<string>();
  /** Graph nodes that were batch norms. */
  readonly batchNorms = new Set<string>();
  private readonly symbol: MxnetSymbol;
  private readonly params: ReadonlyMap<string, Tensor>;
  private readonly values: ReadonlyMap<number, MxnetValue>;

  /** `values`: by node id, filled while nodes are imported; starts with the input picture's. */
  constructor(
    builder: GraphBuilder,
    symbol: MxnetSymbol,
    params: ReadonlyMap<string, Tensor>,
    values: ReadonlyMap<number, MxnetValue>,
  ) {
    this.builder = builder;
    this.symbol = symbol;
    this.params = params;
    this.values = values;
  }

  /** Value behind input `index`, whatever it is. */
  input(node: SymbolNode, index: number): MxnetValue {
    const input = node.inputs[index];
    const value = input && this.values.get(input.node);
    if (value !== undefined && input?.output === 0) return value;
    const got = input ? this.describe(input.node, input.output) : `${node.inputs.length} inputs`;
    throw badModel(`${nameOf(node)}: expected an activation as input ${index}, got ${got}`);
  }

  /** Activation behind input `index`; squares are computed if need be. */
  value(node: SymbolNode, index: number): Activation {
    return this.computed(node, this.input(node, index), `an activation as input ${index}`);
  }

  computed(node: SymbolNode, value: MxnetValue, expected: string): Activation {
    if (value.kind === 'activation') return value;
    requireThat(value.kind === 'square', node, expected, 'a step of a normalisation');
    const { of } = value;
    const name = `${node.name}_squared`;
    return this.emit({ op: 'mul', name, inputs: [of.name, of.name] }, of);
  }

  /** [1, C, H, W]. */
  picture(node: SymbolNode, index: number): Activation {
    const value = this.value(node, index);
    requireThat(isChannelsFirst(value), node, 'an input (1, C, H, W)', shownDims(value));
    return value;
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
    return exactValues(param);
  }

  requireShape(node: SymbolNode, param: Tensor, shape: readonly number[], role: string): void {
    const same = param.shape.length === shape.length && shape.every((n, i) => n === param.shape[i]);
    if (same) return;
    throw badModel(
      `${nameOf(node)}: expected ${role} of shape [${shape}], got [${param.shape.slice(0, 8)}]`,
    );
  }

  /** One value for all, or one per channel of `view`, from a parameter that broadcasts to it. */
  channels(node: SymbolNode, param: Tensor, view: View): number | Float64Array {
    const along = variesAlong(view, param.shape);
    if (along === undefined) {
      const expected = `a constant per channel of ${shownDims(view)}`;
      throw badModel(`${nameOf(node)}: expected ${expected}, got [${param.shape}]`);
    }
    const values = exactValues(param);
    if (along === 'nothing') return values[0] as number;
    return view.channelsLast ? channelsFirst(values, view.channelsLast) : values;
  }

  /** Appends a node whose value the file sees as `view`, by default as [1, C, H, W] or [1, C]. */
  emit(node: GraphNode, view?: View): Activation {
    return this.seen(this.builder.add(node), view);
  }

  affine(
    node: SymbolNode,
    x: Activation,
    scale: number | Float64Array,
    shift: number | Float64Array,
    remembered?: RunningStatistics,
  ): Activation {
    return this.seen(this.builder.affine(node.name, x.name, scale, shift, remembered), x);
  }

  prelu(node: SymbolNode, x: Activation, slope: number | Float64Array): Activation {
    return this.seen(this.builder.prelu(node.name, x.name, slope), x);
  }

  /** The value of that name in the graph. */
  seen(name: string, view: View = viewOf(this.builder.shapeOf(name))): Activation {
    const { axes, channelsLast } = view;
    return { kind: 'activation', name, shape: this.builder.shapeOf(name), axes, channelsLast };
  }

  private describe(id: number, output: number): string {
    const node = this.symbol.nodes[id] as SymbolNode;
    return `output ${output} of ${nameOf(node)}`;
  }
}

/** '(1,512,7,7)', as the file sees it. */
export function shownDims(view: View): string {
  return `(${dimsOf(view)})`;
}

function badModel(message: string): ArcfaceError {
  return new ArcfaceError('bad_model', message);
}
