/** Small IR files written layer by layer, and what an imported one computes. */

import type { Imported } from '../../src/formats/imported.ts';
import { importOpenvino, type OpenvinoOptions } from '../../src/formats/openvino/import.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { encodeFloat16 } from './float16.ts';

export interface IrSpec {
  readonly id: string;
  readonly type: string;
  /** Ids of the layers behind the inputs. */
  readonly inputs?: readonly string[];
  readonly data?: Readonly<Record<string, string | number>>;
  /** Of a Const, or of a blob of versions 5 to 7. */
  readonly blobs?: Readonly<Record<string, IrConstant>>;
  /** Dimensions of the output, where a reader asks for them. */
  readonly dims?: readonly number[];
}

export interface IrConstant {
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface IrFiles {
  readonly xml: Uint8Array;
  readonly bin: Uint8Array;
}

type Numbers = readonly number[];

export const f32 = (shape: Numbers, values: Numbers): IrConstant => ({
  type: 'f32',
  shape,
  bytes: bytesOf(Float32Array.from(values)),
});
export const f16 = (shape: Numbers, values: Numbers): IrConstant => ({
  type: 'f16',
  shape,
  bytes: encodeFloat16(Float32Array.from(values)),
});
export const i64 = (...values: number[]): IrConstant => ({
  type: 'i64',
  shape: [values.length],
  bytes: bytesOf(BigInt64Array.from(values, BigInt)),
});
export const i8 = (shape: Numbers, values: Numbers): IrConstant => ({
  type: 'i8',
  shape,
  bytes: bytesOf(Int8Array.from(values)),
});
export const u8 = (shape: Numbers, values: Numbers): IrConstant => ({
  type: 'u8',
  shape,
  bytes: Uint8Array.from(values),
});
/** Two to a byte, the first in the lower half. */
export const nibbles = (type: 'i4' | 'u4', shape: Numbers, values: Numbers): IrConstant => ({
  type,
  shape,
  bytes: Uint8Array.from({ length: Math.ceil(values.length / 2) }, (_, i) => {
    return ((values[2 * i] as number) & 15) | (((values[2 * i + 1] ?? 0) & 15) << 4);
  }),
});

/** A layer of versions 10 and 11. */
export function layer(
  id: string,
  type: string,
  inputs: readonly string[] = [],
  data: IrSpec['data'] = {},
): IrSpec {
  return { id, type, inputs, data };
}

export function constant(id: string, value: IrConstant): IrSpec {
  return { id, type: 'Const', blobs: { custom: value } };
}

/** `x` is the input; the last layer is the output. Version 11 unless `version` says otherwise. */
export function irFiles(
  shape: string,
  layers: readonly IrSpec[],
  { version = 11, type = 'f32' }: { version?: number; type?: string } = {},
): IrFiles {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const place = ({ bytes }: IrConstant): { offset: number; size: number } => {
    parts.push(bytes);
    offset += bytes.length;
    return { offset: offset - bytes.length, size: bytes.length };
  };
  const legacy = version < 10;
  const written = layers.map((one) => layerXml(one, legacy, place));
  const edges = layers.flatMap(({ id, inputs = [] }) =>
    inputs.map((from, port) => {
      return `<edge from-layer="${from}" from-port="out" to-layer="${id}" to-port="${port}"/>`;
    }),
  );
  const dims = shape.split(',').map((n) => `<dim>${n}</dim>`);
  const output = `<output><port id="out">${legacy ? dims.join('') : ''}</port></output>`;
  const input = legacy
    ? `<layer id="x" name="x" type="Input" precision="FP32">${output}</layer>`
    : `<layer id="x" name="x" type="Parameter" version="opset1">
        <data shape="${shape}" element_type="${type}"/>${output}</layer>`;
  const text = `<net name="n" version="${version}"><layers>${input}${written.join('')}</layers>
    <edges>${edges.join('')}</edges></net>`;
  const bin = new Uint8Array(offset);
  let at = 0;
  for (const part of parts) {
    bin.set(part, at);
    at += part.length;
  }
  return { xml: new TextEncoder().encode(text), bin };
}

function layerXml(
  { id, type, inputs = [], data = {}, blobs = {}, dims = [] }: IrSpec,
  legacy: boolean,
  place: (constant: IrConstant) => { offset: number; size: number },
): string {
  const isConst = type === 'Const' && !legacy;
  const [only] = Object.values(blobs);
  const stated = isConst && only ? constantData(only, place(only)) : data;
  const attributes = Object.entries(stated).map(([key, value]) => ` ${key}="${value}"`);
  const ports = inputs.map((_, port) => `<port id="${port}"/>`);
  const written = isConst
    ? []
    : Object.entries(blobs).map(([role, blob]) => {
        const { offset, size } = place(blob);
        const precision = { f32: 'FP32', f16: 'FP16' }[blob.type] ?? blob.type.toUpperCase();
        return `<${role} offset="${offset}" size="${size}" precision="${precision}"/>`;
      });
  const shape = dims.map((n) => `<dim>${n}</dim>`).join('');
  return `<layer id="${id}" name="${id}" type="${type}"${legacy ? '' : ' version="opset1"'}>
    <data${attributes.join('')}/><input>${ports.join('')}</input>
    <output><port id="out">${shape}</port></output><blobs>${written.join('')}</blobs></layer>`;
}

function constantData(
  { type, shape }: IrConstant,
  { offset, size }: { offset: number; size: number },
): Record<string, string | number> {
  return { element_type: type, shape: shape.join(', '), offset, size };
}

export function importIr({ xml, bin }: IrFiles, options?: OpenvinoOptions): Imported {
  return importOpenvino(xml, bin, options);
}

/** What the file computes from `picture`, which is [C, H, W] whatever the file's order. */
export function outputOf(files: IrFiles, picture: ArrayLike<number>): number[] {
  const { graph } = importIr(files);
  const values = evaluateGraph(graph, Float64Array.from(picture));
  return [...(values.get(graph.output) as Float64Array)];
}

function bytesOf(values: Float32Array | Int8Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
