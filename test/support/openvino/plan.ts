/**
 * Layers of an IR file in the making: numbers layers, connects ports and gives every constant its
 * range of the `.bin` file. Nothing is generated before the constants are written.
 */

import { bytesOf } from '../../../src/formats/element-types.ts';
import { sizeOf } from '../../../src/graph/limits.ts';
import type { SynthTensor } from '../../../src/synth/model.ts';

export type ConstantType = 'f32' | 'f16' | 'i64';

export interface PlannedConstant {
  readonly type: ConstantType;
  readonly offset: number;
  readonly size: number;
  read(): Float32Array;
}

export interface PlannedLayer {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
  readonly inputs: readonly (readonly number[])[];
  /** Dimensions of the only output; none for a result. */
  readonly output: readonly number[] | undefined;
  readonly precision: string;
  readonly blobs: readonly { role: string; offset: number; size: number }[];
}

export interface LayerSpec {
  readonly name: string;
  readonly type: string;
  readonly data?: Readonly<Record<string, string | number>>;
  /** Names of earlier layers, by port. */
  readonly inputs: readonly string[];
  readonly output?: readonly number[];
  readonly precision?: string;
  readonly blobs?: Readonly<Record<string, SynthTensor>>;
}

export class IrPlan {
  readonly layers: PlannedLayer[] = [];
  /** from layer, from port, to layer, to port. */
  readonly edges: (readonly [number, number, number, number])[] = [];
  readonly constants: PlannedConstant[] = [];
  readonly type: 'f32' | 'f16';
  private readonly precision: 'FP32' | 'FP16';
  private readonly byName = new Map<string, PlannedLayer>();
  private bytes = 0;

  /** `type` of the constants, `precision` of the activations. */
  constructor(type: 'f32' | 'f16', precision: 'FP32' | 'FP16') {
    this.type = type;
    this.precision = precision;
  }

  add(spec: LayerSpec): void {
    const id = this.layers.length;
    const sources = spec.inputs.map((name) => this.byName.get(name) as PlannedLayer);
    sources.forEach((source, port) => {
      this.edges.push([source.id, source.inputs.length, id, port]);
    });
    const blobs = Object.entries(spec.blobs ?? {}).map(([role, tensor]) => {
      return { role, ...this.constant(tensor, this.type) };
    });
    const layer: PlannedLayer = {
      id,
      name: spec.name,
      type: spec.type,
      data: Object.fromEntries(Object.entries(spec.data ?? {}).map(([k, v]) => [k, String(v)])),
      inputs: sources.map(({ output }) => output as readonly number[]),
      output: spec.output,
      precision: spec.precision ?? this.precision,
      blobs,
    };
    this.layers.push(layer);
    this.byName.set(spec.name, layer);
  }

  /** The next range of the `.bin` file. */
  constant(tensor: SynthTensor, type: ConstantType): { offset: number; size: number } {
    const offset = this.bytes;
    const size = bytesOf(type, sizeOf(tensor.shape));
    this.constants.push({ type, offset, size, read: () => tensor.read() });
    this.bytes += size;
    return { offset, size };
  }
}
