/**
 * OpenVINO IR (`.xml` and `.bin`, versions 5 to 7, 10 and 11; floats and compressed weights) -> graph.
 * Only what the output depends on is read. Weights stay in the file's bytes. Refuses layers outside the
 * family, ranges outside the `.bin` file, cycles and shapes that do not fit.
 */

import { ArcfaceError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import { describe, elementsOf } from '../../graph/limits.ts';
import type { Claim } from '../../graph/preprocessing.ts';
import { isRow } from '../axes.ts';
import { GraphBuilder, WEIGHTS_PER_BYTE } from '../graph-builder.ts';
import { BYTES_INPUT, claimsOfStart, type GraphStart, namesOf, startOf } from '../graph-start.ts';
import type { Imported } from '../imported.ts';
import { namingEarlierValue, unknownOperator } from '../refusal.ts';
import { badModel, nameOf, unsupported } from './attributes.ts';
import { MAX_SMALL } from './constants.ts';
import { IrContext } from './context.ts';
import { irInput, isInput } from './input.ts';
import { type Ir, type IrLayer, readIr } from './ir.ts';
import { SUPPORTED_LAYERS, supportedLayer, unknownAttributes } from './operators.ts';
import { type PreProcess, readPreProcess } from './pre-process.ts';
import { claimsOfStatements, reversedChannels } from './statements.ts';
import type { Activation, IrValue } from './values.ts';

export interface OpenvinoOptions {
  /** Layer or tensor whose value is the embedding. Default: what the only result is computed from. */
  readonly output?: string | undefined;
}

/** Values of constants that one file may have computed: far above any real network. */
const COMPUTED_BUDGET = 2 ** 22;

export function importOpenvino(
  xml: Uint8Array,
  bin: Uint8Array,
  options: OpenvinoOptions = {},
): Imported {
  const ir = readIr(xml);
  const output = outputLayer(ir, options.output);
  const order = dependencyOrder(ir, output);
  const inputs = order.filter((index) => isInput(ir.layers[index] as IrLayer));
  const only = inputs[0];
  if (only === undefined || inputs.length > 1) {
    const got = `${inputs.length}`;
    throw badModel(ir.layers[output] as IrLayer, 'a value computed from one input', got);
  }
  const input = irInput(ir.layers[only] as IrLayer);
  const values = new Map<number, IrValue>([[only, input.value]]);
  const builder = new GraphBuilder(input.graph, WEIGHTS_PER_BYTE * (bin.length + xml.length));
  const context = new IrContext(builder, ir, bin, values, input.batch);
  const section = ir.preProcess && readPreProcess(ir.preProcess, bin, input.graph);
  if (section) values.set(only, subtractMean(section, context, input.value));
  let budget = COMPUTED_BUDGET;
  for (const index of order) {
    if (index === only) continue;
    const value = importLayer(ir, index, context, values);
    budget -= computedCount(value);
    if (budget < 0) {
      const expected = `at most ${COMPUTED_BUDGET} computed constants`;
      throw badModel(ir.layers[index] as IrLayer, expected, 'more');
    }
    values.set(index, value);
  }
  const { name } = embeddingAt(ir, output, context, values);
  const graph = context.builder.build(ir.name, name);
  const start = startOf(graph, context.batchNorms);
  const exchanged = start.reversesChannels || context.reversesChannels;
  const reversed = exchanged || reversedChannels(ir.statements);
  return {
    graph,
    format: 'openvino',
    formatDetail: `OpenVINO IR v${ir.version}`,
    claims: claimsOf(ir, ir.layers[only] as IrLayer, graph, start),
    ...(reversed !== undefined && { reversedChannels: reversed }),
    notes: [...context.notes],
  };
}

/** As the runtime does it, in front of the file's own layers. */
function subtractMean(
  { scale, shift }: PreProcess,
  context: IrContext,
  input: Activation,
): Activation {
  context.notes.add('The mean in <pre-process> is subtracted, as OpenVINO does.');
  const name = context.builder.affine('pre-process', input.name, scale, shift);
  return { ...input, name };
}

function computedCount(value: IrValue): number {
  return value.kind === 'constant' && value.held
    ? (elementsOf(value.tensor.shape) ?? MAX_SMALL)
    : 0;
}

function claimsOf(ir: Ir, input: IrLayer, graph: Graph, start: GraphStart): Claim[] {
  const names = [input.name, ...input.outputs.flatMap((port) => port.names)];
  const type = input.data.get('element_type') ?? input.precision ?? '';
  return [
    ...claimsOfStatements(ir.statements, names, start.normalization),
    ...(/^u8$/i.test(type) ? [BYTES_INPUT] : []),
    ...claimsOfStart(start, namesOf(graph)),
  ];
}

function importLayer(
  ir: Ir,
  index: number,
  context: IrContext,
  values: ReadonlyMap<number, IrValue>,
): IrValue {
  const layer = ir.layers[index] as IrLayer;
  try {
    const known = supportedLayer(layer.type);
    if (known) return noting(layer, context, known.read(layer, context));
    throw unknownOperator({
      format: 'OpenVINO',
      operator: layer.type,
      domain: layer.opset,
      node: layer.name,
      supported: SUPPORTED_LAYERS,
    });
  } catch (error) {
    const isRefusal = error instanceof ArcfaceError && error.code === 'unsupported_operator';
    const earlier = isRefusal ? vectorBefore(ir, index, values) : undefined;
    throw earlier === undefined ? error : namingEarlierValue(error as ArcfaceError, earlier);
  }
}

/** Says which attributes a layer states that its reader does not know. */
function noting(layer: IrLayer, context: IrContext, value: IrValue): IrValue {
  const unknown = unknownAttributes(layer);
  if (unknown.length > 0) {
    const shown = unknown.slice(0, 8).map((key) => key.slice(0, 64));
    context.notes.add(`Left out of ${layer.type} layers: unknown attributes ${shown.join(', ')}.`);
  }
  return value;
}

/** Name of the layer whose vector a refused one starts from, over steps of a normalisation. */
function vectorBefore(
  ir: Ir,
  refused: number,
  values: ReadonlyMap<number, IrValue>,
): string | undefined {
  const open = [refused];
  const seen = new Set(open);
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    for (const source of ir.layers[index]?.inputs ?? []) {
      const value = source && values.get(source.layer);
      if (!value || seen.has(source.layer)) continue;
      seen.add(source.layer);
      if (value.kind !== 'activation') open.push(source.layer);
      else if (isRow(value) && !value.channelsLast) return ir.layers[source.layer]?.name;
    }
  }
  return undefined;
}

function embeddingAt(
  ir: Ir,
  index: number,
  context: IrContext,
  values: ReadonlyMap<number, IrValue>,
): Activation {
  const layer = ir.layers[index] as IrLayer;
  const found = values.get(index) as IrValue;
  const value = context.computed(layer, found, 'an activation as the output');
  if (!value.channelsLast) return value;
  throw unsupported(layer, 'features with channels first as the output', 'channels last');
}

function outputLayer(ir: Ir, asked: string | undefined): number {
  const ends = outputsOf(ir);
  if (asked !== undefined) {
    const named = ir.layers.findIndex(
      ({ name, outputs }) => name === asked || outputs[0]?.names.includes(asked),
    );
    if (named >= 0) return named;
  }
  const [only] = ends;
  if (asked === undefined && only !== undefined && ends.length === 1) return only;
  const names = ends.slice(0, 8).map((index) => nameOf(ir.layers[index] as IrLayer));
  const shown = names.length > 0 ? names.join(', ') : 'no results';
  const expected = asked === undefined ? 'one result, or --value' : 'the name of a layer';
  const got = asked === undefined ? shown : `${describe(asked)} (results: ${shown})`;
  throw new ArcfaceError('bad_argument', `OpenVINO output: expected ${expected}, got ${got}`);
}

/** Results (versions 10, 11), or layers nobody consumes (5 to 7). */
function outputsOf(ir: Ir): number[] {
  const all = ir.layers.map((_, index) => index);
  const results = all.filter((index) => ir.layers[index]?.type === 'Result');
  if (results.length > 0) return results;
  const consumed = new Set(
    ir.layers.flatMap(({ inputs }) => inputs.map((source) => source?.layer)),
  );
  return all.filter((index) => !consumed.has(index) && ir.layers[index]?.type !== 'Const');
}

/** Layers that `output` depends on, each after its inputs. No recursion: files can be deep. */
function dependencyOrder(ir: Ir, output: number): number[] {
  const order: number[] = [];
  const state = new Map<number, 'open' | 'done'>();
  const stack = [output];
  while (stack.length > 0) {
    const index = stack.at(-1) as number;
    const layer = ir.layers[index] as IrLayer;
    const sources = layer.inputs.flatMap((source) => (source ? [source.layer] : []));
    if (state.get(index) === 'done') {
      stack.pop();
      continue;
    }
    if (state.get(index) === 'open') {
      state.set(index, 'done');
      order.push(index);
      stack.pop();
      continue;
    }
    state.set(index, 'open');
    for (const source of sources.reverse()) {
      if (state.get(source) === 'open') throw badModel(layer, 'a network without cycles', 'one');
      if (!state.has(source)) stack.push(source);
    }
  }
  return order;
}
