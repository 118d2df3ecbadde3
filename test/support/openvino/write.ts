/**
 * A seeded training-form network -> OpenVINO IR as the Model Optimizer writes it, byte for byte
 * reproducible: `.xml`, and `.bin` in chunks so that 261 MB are never held. `plan-*.ts` say which
 * layers a version has; this file numbers, places and prints them.
 */

import type { SynthModel } from '../../../src/synth/model.ts';
import { encodeFloat16 } from '../float16.ts';
import { type FusedNetwork, fuseModel } from './fused-model.ts';
import { IrPlan, type PlannedLayer } from './plan.ts';
import { planLegacyLayers } from './plan-legacy.ts';
import { planOpsetLayers } from './plan-opset.ts';

export interface OpenvinoWriteOptions {
  /** Default 11. */
  readonly version?: 11 | 10 | 7;
  /** Type of the constants. Default f32. */
  readonly type?: 'f32' | 'f16';
  /** Makes the model BGR, as the Open Model Zoo does, and says so in the file. Default false. */
  readonly reverseChannels?: boolean;
  /** XML in place of what the file says by default: `<rt_info>`, `<pre-process>` and so on. */
  readonly statements?: string;
}

type Source = SynthModel | FusedNetwork;

export function writeOpenvinoXml(model: Source, options: OpenvinoWriteOptions = {}): Uint8Array {
  const { version = 11, reverseChannels = false, statements } = options;
  const plan = planOf(model, options);
  const lines = [
    '<?xml version="1.0"?>',
    `<net name="${escapeXml(model.name)}" version="${version}">`,
    '\t<layers>',
    ...plan.layers.flatMap((layer) => layerLines(layer, version === 7)),
    '\t</layers>',
    '\t<edges>',
    ...plan.edges.map(
      ([from, fromPort, to, toPort]) =>
        `\t\t<edge from-layer="${from}" from-port="${fromPort}" to-layer="${to}" to-port="${toPort}"/>`,
    ),
    '\t</edges>',
    ...(statements === undefined ? metaLines(version, reverseChannels) : [statements]),
    '</net>',
    '',
  ];
  return new TextEncoder().encode(lines.join('\n'));
}

/** The constants in the order of their offsets. */
export function* writeOpenvinoBin(
  model: Source,
  options: OpenvinoWriteOptions = {},
): Generator<Uint8Array> {
  for (const { type, read } of planOf(model, options).constants) {
    const values = read();
    if (type === 'f16') yield encodeFloat16(values);
    else if (type === 'i64') yield bytesOf(BigInt64Array.from(values, BigInt));
    else yield bytesOf(values);
  }
}

function planOf(model: Source, options: OpenvinoWriteOptions): IrPlan {
  const { version = 11, type = 'f32', reverseChannels = false } = options;
  const layers = 'layers' in model ? model.layers : fuseModel(model, reverseChannels);
  const plan = new IrPlan(type, type === 'f16' && version !== 11 ? 'FP16' : 'FP32');
  if (version === 7) planLegacyLayers(plan, model.inputName, layers);
  else planOpsetLayers(plan, model.inputName, layers, version);
  return plan;
}

function layerLines(layer: PlannedLayer, legacy: boolean): string[] {
  const { id, name, type, data, inputs, output, blobs, precision } = layer;
  const era = legacy ? `precision="${precision}"` : 'version="opset1"';
  const ports = (side: string, dims: readonly (readonly number[])[], first: number): string[] => {
    if (dims.length === 0) return [];
    const stated = side === 'output' && !legacy ? ` precision="${precision}"` : '';
    const port = (shape: readonly number[], i: number): string =>
      `\t\t\t\t<port id="${first + i}"${stated}>${shape.map((n) => `<dim>${n}</dim>`).join('')}</port>`;
    return [`\t\t\t<${side}>`, ...dims.map(port), `\t\t\t</${side}>`];
  };
  return [
    `\t\t<layer id="${id}" name="${escapeXml(name)}" type="${type}" ${era}>`,
    ...(Object.keys(data).length > 0 ? [`\t\t\t<data ${attributes(data)}/>`] : []),
    ...ports('input', inputs, 0),
    ...ports('output', output ? [output] : [], inputs.length),
    ...(blobs.length > 0 ? ['\t\t\t<blobs>'] : []),
    ...blobs.map(
      ({ role, offset, size }) =>
        `\t\t\t\t<${role} offset="${offset}" size="${size}" precision="${precision}"/>`,
    ),
    ...(blobs.length > 0 ? ['\t\t\t</blobs>'] : []),
    '\t\t</layer>',
  ];
}

function metaLines(version: 11 | 10 | 7, reverseChannels: boolean): string[] {
  const value = reverseChannels ? 'True' : 'False';
  const [outer, inner] =
    version === 11 ? ['rt_info', 'conversion_parameters'] : ['meta_data', 'cli_parameters'];
  return [
    `\t<${outer}>`,
    `\t\t<${inner}>`,
    `\t\t\t<reverse_input_channels value="${value}"/>`,
    `\t\t</${inner}>`,
    `\t</${outer}>`,
  ];
}

function attributes(data: Readonly<Record<string, string>>): string {
  return Object.entries(data)
    .map(([key, value]) => `${key}="${escapeXml(value)}"`)
    .join(' ');
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
}

function bytesOf(values: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
