/**
 * The layers of IR versions 10 and 11: constants are layers; biases, scale and shift are Add and
 * Multiply; the fully connected layer is Reshape, MatMul, Add. Half constants of version 11 are
 * converted to f32, those of version 10 are used as they are.
 */

import type { SynthTensor } from '../../../src/synth/model.ts';
import { type FusedLayer, type FusedWeighted, INPUT_DIMS } from './fused-model.ts';
import type { ConstantType, IrPlan } from './plan.ts';

export function planOpsetLayers(
  plan: IrPlan,
  inputName: string,
  layers: readonly FusedLayer[],
  version: 10 | 11,
): void {
  new OpsetPlanner(plan, version).all(inputName, layers);
}

class OpsetPlanner {
  private readonly plan: IrPlan;
  private readonly version: 10 | 11;

  constructor(plan: IrPlan, version: 10 | 11) {
    this.plan = plan;
    this.version = version;
  }

  all(inputName: string, layers: readonly FusedLayer[]): void {
    const data = { element_type: this.activationType, shape: INPUT_DIMS.join(',') };
    this.plan.add({ name: inputName, type: 'Parameter', data, inputs: [], output: INPUT_DIMS });
    for (const layer of layers) this.layer(layer);
    const last = layers.at(-1)?.name as string;
    this.plan.add({ name: `${last}/sink_port_0`, type: 'Result', inputs: [last] });
  }

  private layer(layer: FusedLayer): void {
    const { name, input, dims } = layer;
    switch (layer.kind) {
      case 'scalar': {
        const [type, value] = layer.scale === 1 ? ['Add', layer.shift] : ['Multiply', layer.scale];
        const scalar = { shape: [1, 1, 1, 1], read: () => Float32Array.of(value as number) };
        this.binary(name, type as 'Add' | 'Multiply', input, dims, scalar);
        break;
      }
      case 'mean':
        this.binary(name, 'Subtract', input, dims, perChannel(layer.mean, dims));
        break;
      case 'scale_shift':
        this.binary(`${name}/mul`, 'Multiply', input, dims, perChannel(layer.scale, dims));
        this.binary(name, 'Add', `${name}/mul`, dims, perChannel(layer.shift, dims));
        break;
      case 'prelu':
        this.prelu(name, input, dims, layer.slope);
        break;
      case 'add':
        this.plan.add({ name, type: 'Add', inputs: [input, layer.other], output: dims });
        break;
      case 'conv':
        this.conv(layer);
        break;
      case 'fc':
        this.fc(layer);
        break;
    }
  }

  /** Slopes are of rank 1 in version 10, [1, C, 1, 1] in 11: readers must take both. */
  private prelu(name: string, input: string, dims: readonly number[], slope: SynthTensor): void {
    const shaped = this.version === 11 ? perChannel(slope) : slope;
    const inputs = [input, this.constant(`${name}/slope`, shaped)];
    this.plan.add({ name, type: 'PReLU', inputs, output: dims });
  }

  private conv(layer: FusedWeighted): void {
    const { name, input, dims, weight, group, pad, stride } = layer;
    const [filters = 0, ...rest] = weight.shape;
    const shape = group === 1 ? weight.shape : [group, filters / group, ...rest];
    const weights = this.constant(`${name}/weights`, { shape, read: () => weight.read() });
    const data = {
      strides: stride.join(','),
      dilations: '1,1',
      pads_begin: pad.join(','),
      pads_end: pad.join(','),
      auto_pad: 'explicit',
    };
    const type = group === 1 ? 'Convolution' : 'GroupConvolution';
    const bare = `${name}/WithoutBiases`;
    this.plan.add({ name: bare, type, data, inputs: [input, weights], output: dims });
    this.binary(name, 'Add', bare, dims, perChannel(layer.bias));
  }

  private fc(layer: FusedWeighted): void {
    const { name, input, dims, weight, bias } = layer;
    const flat = `${name}/flatten`;
    const target = { shape: [2], read: () => Float32Array.of(0, -1) };
    const shape = this.constant(`${flat}/shape`, target, 'i64');
    const features = [1, weight.shape[1] as number];
    const special = { special_zero: 'true' };
    const inputs = [input, shape];
    this.plan.add({ name: flat, type: 'Reshape', data: special, inputs, output: features });
    const weights = this.constant(`${name}/weights`, weight);
    const bare = `${name}/WithoutBiases`;
    const data = { transpose_a: 'false', transpose_b: 'true' };
    this.plan.add({ name: bare, type: 'MatMul', data, inputs: [flat, weights], output: dims });
    const row = { shape: [1, ...bias.shape], read: () => bias.read() };
    this.binary(name, 'Add', bare, dims, row);
  }

  private binary(
    name: string,
    type: 'Add' | 'Subtract' | 'Multiply',
    input: string,
    dims: readonly number[],
    tensor: SynthTensor,
  ): void {
    const inputs = [input, this.constant(`${name}/constant`, tensor)];
    const data = { auto_broadcast: 'numpy' };
    this.plan.add({ name, type, data, inputs, output: dims });
  }

  /** Returns the name of the layer whose value is the constant in the type of the activations. */
  private constant(name: string, tensor: SynthTensor, type: ConstantType = this.plan.type): string {
    const { offset, size } = this.plan.constant(tensor, type);
    const shape = tensor.shape.join(',');
    const data = { element_type: type, shape, offset, size };
    const precision = { f32: 'FP32', f16: 'FP16', i64: 'I64' }[type];
    this.plan.add({ name, type: 'Const', data, inputs: [], output: tensor.shape, precision });
    if (type !== 'f16' || this.version === 10) return name;
    const converted = `${name}/decompressed`;
    const to = { destination_type: 'f32' };
    const spec = { inputs: [name], output: tensor.shape, precision: 'FP32' };
    this.plan.add({ name: converted, type: 'Convert', data: to, ...spec });
    return converted;
  }

  private get activationType(): 'f32' | 'f16' {
    return this.version === 11 ? 'f32' : this.plan.type;
  }
}

/** Against a value of `dims`, a picture unless it is said. */
function perChannel(tensor: SynthTensor, dims: readonly number[] = INPUT_DIMS): SynthTensor {
  const spatial = dims.slice(2).map(() => 1);
  return { shape: [1, ...tensor.shape, ...spatial], read: () => tensor.read() };
}
