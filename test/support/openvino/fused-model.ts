/**
 * A training-form network -> the layers OpenVINO's Model Optimizer leaves of it: batch norms after a
 * convolution or around the fully connected layer folded into weights and bias, batch norms
 * in front of padded convolutions kept as scale and shift, identities gone.
 *
 * Source: docs.openvino.ai, "Model Optimization Techniques" (linear operations fusing).
 */

import type {
  SynthBatchNorm,
  SynthConv,
  SynthFc,
  SynthModel,
  SynthNode,
  SynthTensor,
} from '../../../src/synth/model.ts';
import { normBefore, normedBias, scaledRows, scaleOf, shiftOf, zeros } from './fused-constants.ts';

interface FusedOf<Kind extends string> {
  readonly kind: Kind;
  readonly name: string;
  readonly input: string;
  /** Of the layer's value, with batch 1. */
  readonly dims: readonly number[];
}

/** y = x * scale + shift with one number each. */
export interface FusedScalar extends FusedOf<'scalar'> {
  readonly scale: number;
  readonly shift: number;
}

/** y = x - mean, one number per channel: how a mean stands in front of a network. */
export interface FusedMean extends FusedOf<'mean'> {
  readonly mean: SynthTensor;
}

export interface FusedWeighted extends FusedOf<'conv' | 'fc'> {
  readonly weight: SynthTensor;
  readonly bias: SynthTensor;
  readonly stride: readonly [number, number];
  readonly pad: readonly [number, number];
  readonly group: number;
}

export interface FusedScaleShift extends FusedOf<'scale_shift'> {
  readonly scale: SynthTensor;
  readonly shift: SynthTensor;
}

export interface FusedPRelu extends FusedOf<'prelu'> {
  readonly slope: SynthTensor;
}

export interface FusedAdd extends FusedOf<'add'> {
  readonly other: string;
}

export type FusedLayer =
  | FusedScalar
  | FusedMean
  | FusedWeighted
  | FusedScaleShift
  | FusedPRelu
  | FusedAdd;

/** What stands between a network and its file. */
export interface FusedNetwork {
  readonly name: string;
  readonly inputName: string;
  readonly layers: readonly FusedLayer[];
}

export const INPUT_DIMS: readonly number[] = [1, 3, 112, 112];

/** In topological order; the last layer is the embedding and bears the name of its FC, `pre_fc1`. */
export function fuseModel(model: SynthModel, reverseChannels: boolean): FusedLayer[] {
  const fusion = new Fusion(model);
  for (const node of model.nodes) fusion.visit(node);
  if (!reverseChannels) return fusion.layers;
  const first = fusion.layers.findIndex(({ kind }) => kind === 'conv');
  return fusion.layers.map((layer, i) => (i === first ? reversed(layer as FusedWeighted) : layer));
}

class Fusion {
  readonly layers: FusedLayer[] = [];
  private readonly model: SynthModel;
  private readonly consumers = new Map<string, SynthNode[]>();
  /** What stands for a value of the model once layers were folded away. */
  private readonly aliases = new Map<string, string>();
  private readonly dims: Map<string, readonly number[]>;
  private readonly folded = new Map<string, SynthBatchNorm>();

  constructor(model: SynthModel) {
    this.model = model;
    this.dims = new Map([[model.inputName as string, INPUT_DIMS]]);
    for (const node of model.nodes) {
      for (const from of node.op === 'add' ? node.inputs : [node.input]) {
        this.consumers.set(from, [...(this.consumers.get(from) ?? []), node]);
      }
    }
  }

  visit(node: SynthNode): void {
    switch (node.op) {
      case 'minus_scalar':
        this.push({ ...this.unary(node), kind: 'scalar', scale: 1, shift: -node.value });
        break;
      case 'mul_scalar':
        this.push({ ...this.unary(node), kind: 'scalar', scale: node.value, shift: 0 });
        break;
      case 'prelu':
        this.push({ ...this.unary(node), kind: 'prelu', slope: node.slope });
        break;
      case 'add': {
        const base = this.unary({ name: node.name, input: node.inputs[0] });
        this.push({ ...base, kind: 'add', other: this.resolve(node.inputs[1]) });
        break;
      }
      case 'conv':
        this.conv(node);
        break;
      case 'fc':
        this.fc(node);
        break;
      case 'batchnorm':
        this.batchNorm(node);
        break;
      default:
        this.aliases.set(node.name, this.resolve(node.input));
        this.dims.set(node.name, this.dims.get(node.input) as readonly number[]);
    }
  }

  private push(layer: FusedLayer): void {
    this.layers.push(layer);
    this.dims.set(layer.name, layer.dims);
  }

  private unary(node: { name: string; input: string }): Omit<FusedOf<string>, 'kind'> {
    const dims = this.dims.get(node.input) as readonly number[];
    return { name: node.name, input: this.resolve(node.input), dims };
  }

  private conv(node: SynthConv): void {
    const [filters = 0, , kh = 0, kw = 0] = node.weight.shape;
    const [, , height = 0, width = 0] = this.dims.get(node.input) as readonly number[];
    const out = (size: number, kernel: number, axis: 0 | 1): number =>
      Math.floor((size + 2 * node.pad[axis] - kernel) / node.stride[axis]) + 1;
    const dims = [1, filters, out(height, kh, 0), out(width, kw, 1)];
    const norm = this.normAfter(node.name);
    const { stride, pad, group } = node;
    const weight = norm ? scaledRows(node.weight, norm) : node.weight;
    const bias = norm ? shiftOf(norm) : zeros(filters);
    this.push({ ...this.unary(node), kind: 'conv', dims, weight, bias, stride, pad, group });
  }

  private fc(node: SynthFc): void {
    const before = this.folded.get(node.input);
    const after = this.normAfter(node.name);
    const dims = [1, node.weight.shape[0] as number];
    const none = { stride: [1, 1], pad: [0, 0], group: 1 } as const;
    const fused = before ? normBefore(node, before) : node;
    const weight = after ? scaledRows(fused.weight, after) : fused.weight;
    const bias = after ? normedBias(fused.bias, after) : fused.bias;
    this.push({ ...this.unary(node), ...none, kind: 'fc', dims, weight, bias });
  }

  /** Already folded into what precedes, to be folded into the FC that follows, or kept. */
  private batchNorm(node: SynthBatchNorm): void {
    this.dims.set(node.name, this.dims.get(node.input) as readonly number[]);
    const next = this.onlyConsumer(node.name);
    const feedsFc = next?.op === 'dropout' && this.onlyConsumer(next.name)?.op === 'fc';
    if (this.folded.get(node.input) === node) {
      this.aliases.set(node.name, this.resolve(node.input));
    } else if (feedsFc) {
      this.aliases.set(node.name, this.resolve(node.input));
      this.folded.set(next.name, node);
    } else {
      const [scale, shift] = [scaleOf(node), shiftOf(node)];
      this.push({ ...this.unary(node), kind: 'scale_shift', scale, shift });
    }
  }

  private normAfter(name: string): SynthBatchNorm | undefined {
    const next = this.onlyConsumer(name);
    if (next?.op !== 'batchnorm') return undefined;
    this.folded.set(name, next);
    return next;
  }

  private onlyConsumer(name: string): SynthNode | undefined {
    const consumers = this.consumers.get(name) ?? [];
    return consumers.length === 1 && name !== this.model.output ? consumers[0] : undefined;
  }

  private resolve(name: string): string {
    return this.aliases.get(name) ?? name;
  }
}

/** RGB filters for BGR input. */
function reversed(layer: FusedWeighted): FusedWeighted {
  const [filters = 0, channels = 0, kh = 0, kw = 0] = layer.weight.shape;
  const area = kh * kw;
  const read = (): Float32Array => {
    const values = layer.weight.read();
    const turned = new Float32Array(values.length);
    for (let o = 0; o < filters; o++) {
      for (let c = 0; c < channels; c++) {
        const from = (o * channels + c) * area;
        turned.set(values.subarray(from, from + area), (o * channels + channels - 1 - c) * area);
      }
    }
    return turned;
  };
  return { ...layer, weight: { shape: layer.weight.shape, read } };
}
