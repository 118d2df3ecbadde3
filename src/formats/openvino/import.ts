/**
 * OpenVINO IR (`.xml` and `.bin`, versions 5 to 7, 10 and 11; f32 and f16) -> graph. Only what the
 * output depends on is read. Weights stay in the file's bytes. Refuses layers outside the family,
 * ranges outside the `.bin` file, cycles and shapes that do not fit.
 */

import { ArcfaceError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import { describe } from '../../graph/limits.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { claimsOfStart } from '../graph-start.ts';
import type { Imported } from '../imported.ts';
import { badModel, IrContext, type IrValue, nameOf, unsupported } from './context.ts';
import { type Ir, type IrLayer, readIr } from './ir.ts';
import { layerImporter, SUPPORTED_LAYERS } from './operators.ts';

export interface OpenvinoOptions {
  /** Layer or tensor whose value is the embedding. Default: what the only result is computed from. */
  readonly output?: string | undefined;
}

const FACE: Graph['input']['shape'] = [3, 112, 112];

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
  const input = graphInput(ir.layers[only] as IrLayer);
  const values = new Map<number, IrValue>([[only, input.name]]);
  const context = new IrContext(new GraphBuilder(input), ir, bin, values);
  for (const index of order) {
    if (index !== only) values.set(index, importLayer(ir.layers[index] as IrLayer, context));
  }
  return result(ir, context, activationAt(ir, output, values));
}

function result(ir: Ir, context: IrContext, output: string): Imported {
  const graph = context.builder.build(ir.name, output);
  const { reversedChannels } = ir;
  return {
    graph,
    format: 'openvino',
    formatDetail: `OpenVINO IR v${ir.version}`,
    claims: claimsOfStart(graph),
    ...(reversedChannels !== undefined && { reversedChannels }),
    notes: [...context.notes],
  };
}

function importLayer(layer: IrLayer, context: IrContext): IrValue {
  const importer = layerImporter(layer.type);
  if (importer) return importer(layer, context);
  throw unsupported(layer, `a supported layer (${SUPPORTED_LAYERS.join(', ')})`, layer.type);
}

function activationAt(ir: Ir, index: number, values: ReadonlyMap<number, IrValue>): string {
  const value = values.get(index);
  if (typeof value === 'string') return value;
  throw badModel(ir.layers[index] as IrLayer, 'an activation as the output', 'a constant');
}

function isInput(layer: IrLayer): boolean {
  return /^(parameter|input)$/i.test(layer.type);
}

/** [1, C, H, W]; where the file leaves sizes open, those of an aligned face. */
function graphInput(layer: IrLayer): Graph['input'] {
  const stated = layer.data.get('shape')?.split(',').map(Number) ?? layer.outputs[0]?.dims ?? [];
  if (stated.length !== 4)
    throw badModel(layer, 'an input [1, 3, H, W]', `[${stated.slice(0, 8)}]`);
  const shape = stated.slice(1).map((n, i) => (n > 0 ? n : (FACE[i] as number)));
  if (shape[0] !== 3) throw unsupported(layer, 'an input [1, 3, H, W]', `[1,${shape}]`);
  return { name: layer.name, shape: shape as [number, number, number] };
}

function outputLayer(ir: Ir, asked: string | undefined): number {
  const ends = outputsOf(ir);
  if (asked !== undefined) {
    const named = ir.layers.findIndex(
      (layer) => layer.name === asked || layer.outputs.some(({ names }) => names.includes(asked)),
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
