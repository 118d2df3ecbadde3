import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { convertModel } from '../../src/convert/convert.ts';
import { writeNpy } from '../../src/formats/npy.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import {
  encodeWeightsHeader,
  headerBytesNeeded,
  parseWeightsHeader,
} from '../../src/formats/safetensors.ts';
import { writeZip } from '../support/archives.ts';
import { expectCodedErrors } from '../support/fuzz.ts';
import { joined, smallNetwork } from '../support/onnx-files.ts';
import { messageOf } from '../support/outcome.ts';

const source = { name: 'small.onnx', sha256: 'ab'.repeat(32) };
const converted = convertModel(importOnnx(smallNetwork()), { source });
const file = joined([converted.header, ...converted.chunks()]);

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
type Json = Record<string, Entry> & { __metadata__: Record<string, string> };

const textOf = (): string => new TextDecoder().decode(converted.header.subarray(8));
const jsonOf = (): Json => JSON.parse(textOf());

/** A header with this JSON, padded as the format wants it. */
function headerOf(text: string): Uint8Array {
  const json = new TextEncoder().encode(text);
  const size = Math.ceil((8 + json.length) / 64) * 64;
  const header = new Uint8Array(size).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(size - 8), true);
  header.set(json, 8);
  return header;
}

/** The message when the header's JSON is changed by `change` and the size of the file stays. */
function refusal(change: (json: Json) => void, fileSize?: number): string {
  const json = jsonOf();
  change(json);
  return messageOf(() => parseWeightsHeader(headerOf(JSON.stringify(json)), fileSize));
}

function withNetwork(change: (network: Record<string, unknown>) => void): string {
  return refusal((json) => {
    const network = JSON.parse(json.__metadata__.network as string);
    change(network);
    json.__metadata__.network = JSON.stringify(network);
  });
}

const nth = (json: Json, at: number): Entry => Object.values(json)[at + 1] as unknown as Entry;

describe('a weights file', () => {
  it('gives back the network and the place of every tensor', () => {
    const header = parseWeightsHeader(file, file.length);
    expect(header.network).toEqual(converted.network);
    expect(header.dataOffset % 64).toBe(0);
    expect(header.dataOffset + header.dataBytes).toBe(file.length);
    expect(converted.byteLength).toBe(file.length);
    let end = 0;
    for (const tensor of header.tensors) {
      expect(tensor.offset).toBe(end);
      expect(tensor.offset % 64).toBe(0);
      end += tensor.bytes;
    }
    expect(header.shapes.get(header.network.output)).toEqual([2]);
  });

  it('carries source, licence, preprocessing, counts and a contract made of them', () => {
    const { metadata } = parseWeightsHeader(file);
    expect(metadata).toMatchObject({
      dtype: 'f32',
      inputOrder: 'rgb',
      preprocessing: { mean: [0, 0, 0], std: [1, 1, 1], own: true },
      source: 'small.onnx',
      sourceSha256: source.sha256,
      output: 'unit',
    });
    expect(metadata.counts).toEqual(converted.report.counts);
    expect(metadata.contract).toBe(`arcface-wasm/1:${'ab'.repeat(16)}:unit:rgb:0,1:f32`);
  });

  it('of before there was a basis loads, with the contract that it had', () => {
    const json = jsonOf();
    const entries = json.__metadata__;
    expect(entries.preprocessing).toBe('{"mean":0,"std":1,"own":true}');
    delete entries.trained_on;
    delete entries.preprocessing_basis;
    const { metadata } = parseWeightsHeader(headerOf(JSON.stringify(json)));
    expect(metadata.contract).toBe(parseWeightsHeader(file).metadata.contract);
    expect(metadata).not.toHaveProperty('basis');
    expect(metadata).not.toHaveProperty('trainedOn');
  });

  it('carries three means and deviations, the order they stand in, and what they rest on', () => {
    const mean = [123.675, 116.28, 103.53] as const;
    const std = [58.395, 57.12, 57.375] as const;
    const options = { source, mean, std, trainedOn: 'bgr', input: 'rgb' } as const;
    const { header, report } = convertModel(importOnnx(smallNetwork()), options);
    const { metadata } = parseWeightsHeader(header);
    expect(metadata).toMatchObject({ inputOrder: 'rgb', trainedOn: 'bgr' });
    expect(metadata.preprocessing).toEqual({ mean, std, own: true });
    expect(metadata.basis).toEqual(report.basis);
    expect(metadata.basis).toMatchObject({
      values: { source: 'option' },
      order: { source: 'option', because: expect.stringContaining('--trained-on bgr') },
      conflicts: [expect.stringMatching(/nothing to be added/)],
    });
    expect(metadata.contract).toMatch(
      /:unit:rgb<bgr:123\.675\/116\.28\/103\.53,58\.395\/57\.12\/57\.375:f32$/,
    );
  });

  it('stays within its bounds whatever the sentences of a basis are', () => {
    const { metadata, network } = parseWeightsHeader(file);
    const endless = '"\u202e\\'.repeat(5000);
    const reason = { source: 'default', because: endless } as const;
    const basis = { values: reason, order: reason, conflicts: Array(99).fill(endless) };
    const again = parseWeightsHeader(encodeWeightsHeader({ ...metadata, basis }, network)).metadata;
    expect(again.basis?.conflicts.length).toBeGreaterThan(2);
    expect(again.basis?.values.because.slice(0, 6)).toBe('"?\\"?\\');
  });

  it('carries the hash of the graph file of a source of two files, in the contract too', () => {
    const graphSha256 = 'cd'.repeat(32);
    const two = convertModel(importOnnx(smallNetwork()), { source: { ...source, graphSha256 } });
    const { metadata, network } = parseWeightsHeader(two.header);
    expect(metadata.graphSha256).toBe(graphSha256);
    expect(metadata.contract).toMatch(new RegExp(`:${'ab'.repeat(16)}\\+${'cd'.repeat(16)}:unit:`));
    expect(encodeWeightsHeader(metadata, network)).toEqual(two.header);
  });

  it('is plain safetensors: length, JSON, spaces, then F32 data', () => {
    expect(headerBytesNeeded(file.subarray(0, 8))).toBe(converted.header.length);
    expect(textOf()).toMatch(/^\{"__metadata__":\{"format":"arcface-wasm\/1",.*\} *$/);
    expect(Object.values(jsonOf()).slice(1)).toSatisfy((entries: Entry[]) =>
      entries.every(({ dtype }) => dtype === 'F32'),
    );
  });

  it('has the same bytes every time', () => {
    const again = convertModel(importOnnx(smallNetwork()), { source });
    expect(joined([again.header, ...again.chunks()])).toEqual(file);
    const { metadata, network } = parseWeightsHeader(file);
    expect(encodeWeightsHeader(metadata, network)).toEqual(converted.header);
  });
});

describe('the header is refused with', () => {
  it('a hole between two tensors', () => {
    const message = refusal((json) => {
      for (const entry of Object.values(json).slice(2) as unknown as Entry[]) {
        entry.data_offsets = [entry.data_offsets[0] + 64, entry.data_offsets[1] + 64];
      }
    });
    expect(message).toMatch(/tensor ".*": expected data_offsets \[\d+, \d+\], got \[\d+, \d+\]/);
  });

  it('an overlap', () => {
    const message = refusal((json) => {
      nth(json, 1).data_offsets = nth(json, 0).data_offsets;
    });
    expect(message).toMatch(/expected data_offsets/);
  });

  it('a shape that is not the one its network has', () => {
    const message = refusal((json) => {
      nth(json, 0).shape = [...nth(json, 0).shape].reverse();
    });
    expect(message).toMatch(
      /tensor "c1.weight": expected shape \[1, 9, 4, 8\], got \[8, 4, 9, 1\]/,
    );
  });

  it('a dtype that is unknown, in a tensor or in the metadata', () => {
    const inTensor = refusal((json) => {
      nth(json, 0).dtype = 'F64';
    });
    expect(inTensor).toBe('weights file: tensor "c1.weight": expected dtype F32, got "F64"');
    const inMetadata = refusal((json) => {
      json.__metadata__.dtype = 'f8';
    });
    expect(inMetadata).toBe('weights file: dtype: expected one of f32, f16, q8, got "f8"');
  });

  it('a tensor too many, one too few, and a key too many', () => {
    const extra = refusal((json) => {
      json.foreign = { dtype: 'F32', shape: [16], data_offsets: [0, 64] };
    });
    expect(extra).toBe('weights file: expected only tensors of its network, got "foreign"');
    const missing = refusal((json) => {
      delete json['c1.bias'];
    });
    expect(missing).toMatch(/tensor "c1.bias": expected an entry/);
    const key = refusal((json) => {
      Object.assign(nth(json, 0), { strides: [1] });
    });
    expect(key).toMatch(/expected dtype, shape, data_offsets/);
  });

  it('a key that stands twice', () => {
    const text = textOf().replace('"c1.bias":', '"c1\\u002eweight":');
    expect(messageOf(() => parseWeightsHeader(headerOf(text)))).toBe(
      'weights file: header: expected every key once, got "c1.weight" twice',
    );
  });

  it('NaN where numbers belong', () => {
    const message = refusal((json) => {
      json.__metadata__.preprocessing = '{"mean":NaN,"std":1,"own":true}';
    });
    expect(message).toMatch(/preprocessing: expected JSON/);
    const overflow = refusal((json) => {
      json.__metadata__.preprocessing = '{"mean":1e999,"std":1,"own":true}';
    });
    expect(overflow).toMatch(/preprocessing: expected finite mean and std/);
  });

  it.each([
    ['preprocessing', '{"mean":[1,2],"std":1,"own":true}', /one number or three/],
    ['preprocessing', '{"mean":0,"std":[1,0,1],"own":true}', /one number or three/],
    ['preprocessing', '{"mean":0,"std":"1","own":true}', /one number or three/],
    ['trained_on', 'gbr', /trained_on: expected rgb or bgr/],
    ['preprocessing_basis', '{"values":{},"order":{},"conflicts":[]}', /source: expected option,/],
    ['preprocessing_basis', '{"conflicts":[1]}', /conflicts: expected a list of sentences/],
  ])('%s of %s', (key, value, message) => {
    expect(
      refusal((json) => {
        json.__metadata__[key] = value;
      }),
    ).toMatch(message);
  });

  it('metadata that is missing, of another format, or no text', () => {
    const change = (key: string, value: unknown): string =>
      refusal((json) => Object.assign(json.__metadata__, { [key]: value }));
    expect(change('format', 'pt')).toBe('weights file: format: expected arcface-wasm/1, got "pt"');
    expect(change('licence', 3)).toMatch(/__metadata__.licence: expected a string/);
    expect(change('source_sha256', 'xyz')).toMatch(/expected 64 hex digits/);
    expect(change('graph_sha256', 'xyz')).toMatch(/graph_sha256: expected 64 hex digits/);
    expect(change('input_order', 'grb')).toMatch(/expected rgb or bgr/);
    expect(change('counts', '{"macs":-1}')).toMatch(/counts/);
    expect(
      refusal((json) => {
        Reflect.deleteProperty(json, '__metadata__');
      }),
    ).toMatch(/safetensors file of another program/);
  });

  it('a network that lies about itself', () => {
    const ops = (change: (op: Record<string, unknown>) => void, at = 0): string =>
      withNetwork((network) => change((network.ops as Record<string, unknown>[])[at] ?? {}));
    expect(ops((op) => Object.assign(op, { op: 'exec' }))).toMatch(
      /ops\[0\]\.op: expected an operator/,
    );
    expect(ops((op) => Object.assign(op, { extra: 1 }))).toMatch(
      /expected no other keys, got "extra"/,
    );
    expect(ops((op) => Object.assign(op, { outChannels: 1e9 }))).toMatch(
      /outChannels: expected an integer/,
    );
    expect(ops((op) => Object.assign(op, { stride: [0, 1] }))).toMatch(
      /stride: expected 2 integers/,
    );
    expect(ops((op) => Object.assign(op, { inputs: ['unit'] }))).toMatch(/inputs that come before/);
    expect(ops((op) => Object.assign(op, { group: 2 }))).toMatch(/a group that divides/);
    expect(ops((op) => Object.assign(op, { padValue: 1 }))).toMatch(/padValue: expected a boolean/);
    expect(withNetwork((network) => Object.assign(network, { output: 'x' }))).toMatch(
      /network.output/,
    );
    expect(withNetwork((network) => Object.assign(network, { ops: [] }))).toMatch(
      /array of 1\.\.10000/,
    );
    expect(ops((op) => Object.assign(op, { name: 'n'.repeat(300) }))).toMatch(
      /1\.\.256 characters/,
    );
  });

  it('ten thousand grouped convolutions whose panels would take minutes to count', () => {
    const channels = 2 ** 24;
    const message = withNetwork((network) => {
      Object.assign(network.input as object, { shape: [channels, 1, 1] });
      const op = { op: 'conv', outChannels: channels, kernel: [1, 1], stride: [1, 1] };
      const rest = { pads: [0, 0, 0, 0], group: channels / 2, padValue: false };
      const ops = Array.from({ length: 10_000 }, (_, n) => ({
        ...op,
        name: `n${n}`,
        inputs: [n === 0 ? 'x' : `n${n - 1}`],
        ...rest,
      }));
      Object.assign(network, { ops, output: 'n9999' });
    });
    expect(message).toMatch(/expected (biases|data)/);
  });

  it('a file that is shorter or longer than it says', () => {
    for (const size of [file.length - 4, file.length + 4]) {
      expect(messageOf(() => parseWeightsHeader(file, size))).toMatch(/expected .*bytes/);
    }
  });

  it('a length that is no length, before anything is allocated', () => {
    const length = (value: bigint): Uint8Array => {
      const first = new Uint8Array(8);
      new DataView(first.buffer).setBigUint64(0, value, true);
      return first;
    };
    for (const value of [0n, 1n, 2n ** 24n + 1n, 2n ** 53n, 2n ** 64n - 1n]) {
      expect(messageOf(() => headerBytesNeeded(length(value)))).toMatch(
        /expected a safetensors header/,
      );
    }
    expect(messageOf(() => headerBytesNeeded(length(4096n), 100))).toMatch(
      /header within 100 bytes/,
    );
    expect(messageOf(() => headerBytesNeeded(new Uint8Array(7)))).toMatch(
      /at least 8 bytes, got 7/,
    );
  });

  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  it.each<[string, Uint8Array, RegExp]>([
    ['a web page', text('<!DOCTYPE html><title>'), /a web page; is the address right\?/],
    ['a web page behind white space', text('\n  <html>'), /a web page/],
    ['a Git LFS pointer', text('version https://git-lfs'), /Git LFS pointer; run `git lfs pull`/],
    ['an ONNX model', smallNetwork(), /an ONNX model; run `convert` first/],
    ['a JPEG', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70), /a JPEG picture; .*`embed`/],
    ['a PNG', Uint8Array.of(0x89, 80, 78, 71, 13, 10, 26, 10), /a PNG picture/],
    ['a WebP', text('RIFF....WEBP'), /a WebP picture/],
    ['an AVIF', text('\0\0\0 ftypavif'), /an AVIF or HEIC picture/],
    [
      'a zip archive',
      writeZip([{ path: 'a', bytes: text('a') }]),
      /a zip archive .*unpack it first/,
    ],
    ['a gzip archive', gzipSync(text('a')), /a gzip archive; unpack it first/],
    ['a pickle', Uint8Array.of(0x80, 2, 0x8a, 10, 108, 252, 156, 70), /a Python pickle.*ONNX/],
    ['an .npy', writeNpy(new Float32Array(4), [4]), /a NumPy array/],
    ['an HDF5 file', Uint8Array.of(0x89, 72, 68, 70, 13, 10, 26, 10), /an HDF5 file/],
    ['an MXNet .params', Uint8Array.of(0x12, 1, 0, 0, 0, 0, 0, 0), /\.params file; run `convert`/],
    ['an MXNet symbol', text('{\n  "nodes": ['), /JSON; an MXNet symbol is converted first/],
    ['an OpenVINO model', text('<?xml version="1.0"?>'), /an OpenVINO model is converted first/],
    ['kernels', Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), /WebAssembly binary.*options.wasm/],
  ])('%s that stands in its place, by its name, whatever its length', (_, bytes, message) => {
    for (const size of [bytes.length, 100_000, undefined]) {
      expect(messageOf(() => headerBytesNeeded(bytes.subarray(0, 8), size))).toMatch(message);
    }
  });

  it('safetensors of another program', () => {
    const json =
      '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    for (const other of [json, json.replace(/"__metadata__":[^}]+},/, ''), json.padEnd(101)]) {
      const header = new Uint8Array(8 + other.length);
      new DataView(header.buffer).setUint32(0, other.length, true);
      header.set(text(other), 8);
      expect(messageOf(() => parseWeightsHeader(header))).toMatch(/of another program; export/);
    }
  });

  it('JSON that nests deeply, is cut, or is no UTF-8', () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(messageOf(() => parseWeightsHeader(headerOf(deep)))).toMatch(/at most 8 levels|JSON/);
    expect(messageOf(() => parseWeightsHeader(headerOf('{"a":')))).toMatch(/expected JSON/);
    expect(messageOf(() => parseWeightsHeader(headerOf('[1]')))).toMatch(/'\{' at its start/);
    const broken = headerOf('{"a":1}').fill(0xff, 12, 13);
    expect(messageOf(() => parseWeightsHeader(broken))).toMatch(/expected UTF-8/);
  });

  it('a truncation at any byte', () => {
    for (let end = 0; end < converted.header.length; end++) {
      const cut = file.subarray(0, end);
      expect(messageOf(() => parseWeightsHeader(cut, end))).not.toBe('read');
    }
  });

  it('a coded error for any damage, or not at all', () => {
    expectCodedErrors(converted.header, ['bad_weights'], (bytes) => parseWeightsHeader(bytes), 0.3);
  });
});
