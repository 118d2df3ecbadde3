/** The layers of IR versions 5 to 7: weights as blobs, ScaleShift, Eltwise, Power, FullyConnected. */

import type { SynthTensor } from '../../../src/synth/model.ts';
import { type FusedLayer, type FusedWeighted, INPUT_DIMS } from './fused-model.ts';
import type { IrPlan } from './plan.ts';

export function planLegacyLayers(
  plan: IrPlan,
  inputName: string,
  layers: readonly FusedLayer[],
): void {
  plan.add({ name: inputName, type: 'Input', inputs: [], output: INPUT_DIMS });
  for (const layer of layers) {
    const base = { name: layer.name, inputs: [layer.input], output: layer.dims };
    switch (layer.kind) {
      case 'scalar': {
        const data = { power: 1, scale: layer.scale, shift: layer.shift };
        plan.add({ ...base, type: 'Power', data });
        break;
      }
      case 'mean': {
        const biases = { ...layer.mean, read: () => layer.mean.read().map((value) => -value) };
        const weights = { ...layer.mean, read: () => layer.mean.read().fill(1) };
        plan.add({ ...base, type: 'ScaleShift', blobs: { weights, biases } });
        break;
      }
      case 'scale_shift': {
        const blobs = { weights: layer.scale, biases: layer.shift };
        plan.add({ ...base, type: 'ScaleShift', blobs });
        break;
      }
      case 'prelu': {
        const data = { channel_shared: 0 };
        plan.add({ ...base, type: 'PReLU', data, blobs: { weights: layer.slope } });
        break;
      }
      case 'add': {
        const inputs = [layer.input, layer.other];
        plan.add({ ...base, inputs, type: 'Eltwise', data: { operation: 'sum' } });
        break;
      }
      case 'conv':
        plan.add({ ...base, type: 'Convolution', data: convData(layer), blobs: blobsOf(layer) });
        break;
      case 'fc': {
        const data = { 'out-size': layer.weight.shape[0] as number };
        plan.add({ ...base, type: 'FullyConnected', data, blobs: blobsOf(layer) });
        break;
      }
    }
  }
}

function blobsOf(layer: FusedWeighted): Record<string, SynthTensor> {
  return { weights: layer.weight, biases: layer.bias };
}

function convData(layer: FusedWeighted): Record<string, string | number> {
  const [filters = 0, , kh, kw] = layer.weight.shape;
  return {
    dilations: '1,1',
    group: layer.group,
    kernel: `${kh},${kw}`,
    output: filters,
    pads_begin: layer.pad.join(','),
    pads_end: layer.pad.join(','),
    strides: layer.stride.join(','),
  };
}
