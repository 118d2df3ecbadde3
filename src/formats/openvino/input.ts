/**
 * The input of an IR file: [N, 3, H, W], or [N, H, W, 3] as converters of TensorFlow and Keras leave it.
 * Sizes that the file leaves open are those of an aligned face; a batch that it fixes is read as 1.
 */

import { FACE_SHAPE, type Graph } from '../../graph/graph.ts';
import { type Axis, viewOf } from '../axes.ts';
import { badModel, unsupported } from './attributes.ts';
import type { IrLayer } from './ir.ts';
import type { Activation } from './values.ts';

export interface IrInput {
  readonly graph: Graph['input'];
  readonly value: Activation;
  /** Batch size that the file states; 1 where it leaves it open. */
  readonly batch: number;
}

const FLOATS = /^(f|fp|bf)\d+$/;

export function isInput(layer: IrLayer): boolean {
  return /^(parameter|input)$/i.test(layer.type);
}

export function irInput(layer: IrLayer): IrInput {
  const dims = statedDims(layer);
  if (dims.length !== 4) throw badModel(layer, 'an input [1, 3, H, W]', `[${dims.slice(0, 8)}]`);
  const [batch = 0, ...sides] = dims;
  const channelsLast = sides[0] !== 3 && sides[2] === 3;
  const names: readonly Axis[] = channelsLast ? ['h', 'w', 'c'] : ['c', 'h', 'w'];
  const extent = (axis: Axis, i: number): number => {
    const stated = sides[names.indexOf(axis)] as number;
    return stated > 0 ? stated : (FACE_SHAPE[i] as number);
  };
  const shape = (['c', 'h', 'w'] as const).map(extent) as [number, number, number];
  if (shape[0] !== 3) throw unsupported(layer, 'an input [1, 3, H, W]', `[1,${shape}]`);
  const type = layer.data.get('element_type')?.trim().toLowerCase() ?? 'f32';
  return {
    graph: { name: layer.name, shape },
    value: {
      kind: 'activation',
      name: layer.name,
      ...viewOf(shape, names),
      ...(!FLOATS.test(type) && { integer: true }),
    },
    batch: Math.max(batch, 1),
  };
}

/** 0 for what the file leaves open: '?', '-1', '1..8'. */
function statedDims(layer: IrLayer): number[] {
  const text = layer.data.get('shape');
  if (text === undefined) return layer.outputs[0]?.dims.map((n) => Math.max(n, 0)) ?? [];
  return text.split(',').map((part) => (/^\d{1,9}$/.test(part.trim()) ? Number(part) : 0));
}
