import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ParamsVersion, readParams } from '../../src/formats/mxnet/params.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import type { SynthModel } from '../../src/synth/model.ts';
import { expectCodedErrors } from '../support/fuzz.ts';
import { writeMxnetParams } from '../support/mxnet/write.ts';
import { codeOf, messageOf } from '../support/outcome.ts';
import { concatenate } from '../support/synth-graph.ts';

const Y1 = '../shared/fixtures/y1/model-0000.params';
const VERSIONS: readonly ParamsVersion[] = ['legacy', 'V1', 'V2', 'V3'];

/** Four arrays of one node are enough for the form. */
const values = Float32Array.of(0.5, -1.25, 3);
const model: SynthModel = {
  name: 'params',
  seed: 0,
  inputName: 'data',
  nodes: [
    {
      op: 'fc',
      name: 'fc',
      input: 'data',
      weight: { shape: [3, 1], read: () => values },
      bias: { shape: [3], read: () => values },
    },
  ],
  output: 'fc1',
};

function params(version: ParamsVersion, type: 'f32' | 'f16' | 'f64' = 'f32'): Uint8Array {
  return concatenate(writeMxnetParams(model, { version, type }));
}

/** A list of one V2 array of one element with the given storage, type flag and data. */
function oneArray(type: number, data: readonly number[], storage = 0): Uint8Array {
  const head = [0x112, 0, 0, 0, 1, 0, 0xf993fac9, storage, 1, data.length, 0, 1, 0, type];
  const elements = { 3: 1, 5: 1, 6: 8, 7: 1, 8: 2, 9: 2, 11: 8, 12: 2 }[type] ?? 4;
  head[9] = data.length / elements;
  const bytes = new Uint8Array(Uint32Array.from(head).buffer);
  const name = new TextEncoder().encode('arg:x');
  const tail = new Uint8Array(Uint32Array.of(1, 0, name.length, 0).buffer);
  return concatenate([bytes, Uint8Array.from(data), tail, name]);
}

describe.each(VERSIONS)('a %s .params file', (version) => {
  it.each(['f32', 'f16', 'f64'] as const)('gives back what was written as %s', (type) => {
    const [weight, bias, ...rest] = readParams(params(version, type));
    expect(rest).toEqual([]);
    expect(weight).toMatchObject({ name: 'arg:fc_weight', shape: [3, 1], type, version });
    expect(bias).toMatchObject({ name: 'arg:fc_bias', shape: [3] });
    expect(weight?.read()).toEqual(values);
  });

  it('is refused when cut at any byte or continued', () => {
    const bytes = params(version);
    for (let end = 0; end < bytes.length; end++) {
      expect(codeOf(() => readParams(bytes.subarray(0, end)))).toBe('bad_model');
    }
    const longer = concatenate([bytes, Uint8Array.of(0)]);
    expect(messageOf(() => readParams(longer))).toContain('expected the end of the file');
  });

  it('is refused or read when any bytes differ, never anything else', () => {
    const bytes = params(version);
    const codes = ['bad_model', 'unsupported_operator'];
    expectCodedErrors(bytes, codes, (damaged) => readParams(damaged).map((a) => a.read()), 1 / 4);
  });
});

describe('.params element types', () => {
  it('decodes u8, i8, i32 and i64', () => {
    expect(readParams(oneArray(3, [7, 255]))[0]?.read()).toEqual(Float32Array.of(7, 255));
    expect(readParams(oneArray(5, [7, 255]))[0]?.read()).toEqual(Float32Array.of(7, -1));
    const minusTwo = [254, 255, 255, 255];
    expect(readParams(oneArray(4, minusTwo))[0]?.read()).toEqual(Float32Array.of(-2));
    const wide = [...minusTwo, 255, 255, 255, 255];
    expect(readParams(oneArray(6, wide))[0]?.read()).toEqual(Float32Array.of(-2));
  });

  it('decodes bool, i16, u16, u32, u64 and bf16', () => {
    expect(readParams(oneArray(7, [0, 2]))[0]?.read()).toEqual(Float32Array.of(0, 1));
    expect(readParams(oneArray(8, [254, 255]))[0]?.read()).toEqual(Float32Array.of(-2));
    expect(readParams(oneArray(9, [254, 255]))[0]?.read()).toEqual(Float32Array.of(65534));
    const wide = [255, 255, 255, 255];
    expect(readParams(oneArray(10, wide))[0]?.readExact?.()).toEqual(Float64Array.of(2 ** 32 - 1));
    const one = [1, 0, 0, 0, 0, 0, 0, 0];
    expect(readParams(oneArray(11, one))[0]?.read()).toEqual(Float32Array.of(1));
    expect(readParams(oneArray(12, [0x40, 0xc0]))[0]?.read()).toEqual(Float32Array.of(-3));
  });

  it('refuses other types, and sparse arrays by name', () => {
    expect(messageOf(() => readParams(oneArray(13, [0, 0, 0, 0])))).toContain('type flag of 0..12');
    const sparse = (): unknown => readParams(oneArray(0, [0, 0, 0, 0], 1));
    expect(codeOf(sparse)).toBe('unsupported_operator');
    expect(messageOf(sparse)).toContain('row_sparse');
    expect(messageOf(() => readParams(oneArray(0, [0, 0, 0, 0], 2)))).toContain('csr');
  });
});

describe('hostile .params', () => {
  const word = (bytes: Uint8Array, at: number, ...words: number[]): Uint8Array => {
    const view = new DataView(bytes.buffer);
    words.forEach((value, i) => {
      view.setUint32(at + 4 * i, value, true);
    });
    return bytes;
  };

  it('refuses counts, sizes and ranks that the file cannot hold', () => {
    const hostile = [
      word(params('V2'), 16, 0xffffffff, 0),
      word(params('V2'), 16, 0, 0x00100000),
      word(params('V2'), 16, 0xffffffff, 0xffffffff),
      word(params('V2'), 32, 0x7fffffff),
      word(params('V2'), 36, 0xffffffff, 0x7fffffff),
      word(params('V2'), 36, 0x40000000, 0),
      word(params('V2'), 36, 0, 0),
      word(params('legacy'), 24, 0x7fffffff),
      word(params('legacy'), 28, 0xffffffff),
    ];
    for (const bytes of hostile) expect(codeOf(() => readParams(bytes))).toBe('bad_model');
  });

  it('says what another kind of file is', () => {
    const html = new TextEncoder().encode('<!doctype html><html></html>');
    expect(messageOf(() => readParams(html))).toContain('expected the magic number 0x112');
    expect(codeOf(() => readParams(new Uint8Array()))).toBe('bad_model');
  });
});

describe.skipIf(!existsSync(Y1))('the trained MobileFaceNet (y1)', () => {
  it('parses to the last byte: 284 V2 arrays of f32', () => {
    const arrays = readParams(readFileSync(Y1));
    expect(arrays.length).toBe(284);
    expect(new Set(arrays.map(({ type, version }) => `${version} ${type}`))).toEqual(
      new Set(['V2 f32']),
    );
    const stored = arrays.reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);
    expect(stored).toBe(1_022_848);
  });
});
if (!existsSync(Y1)) console.warn(`${Y1} is absent: its tests are skipped`);

describe('written R100 parameters', () => {
  it('are 463 + 308 arrays in exactly 260,958,682 bytes', () => {
    const shapes = synthesize('r100', 1);
    // Zeros of the right shape: the size does not depend on the values.
    const silent = JSON.parse(JSON.stringify(shapes), (_, value) => {
      if (!Array.isArray(value?.shape)) return value;
      const length = value.shape.reduce((n: number, d: number) => n * d, 1);
      return { ...value, read: () => new Float32Array(length) };
    }) as SynthModel;
    let bytes = 0;
    for (const chunk of writeMxnetParams(silent)) bytes += chunk.length;
    expect(bytes).toBe(260_958_682);
  });
});
