import { describe, expect, it } from 'vitest';
import { importMxnet } from '../../src/formats/mxnet/import.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import { expectCodedErrors } from '../support/fuzz.ts';
import { writeMxnetParams, writeMxnetSymbol } from '../support/mxnet/write.ts';
import { type Attributes, nothing, paramsOf, symbolOf } from '../support/mxnet-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';
import { concatenate, microModel } from '../support/synth-graph.ts';

describe('MXNet files that do not fit', () => {
  const conv = (attributes: Attributes): Uint8Array =>
    symbolOf(['null', 'data'], ['null', 'w'], ['Convolution', 'c', [0, 1], attributes]);
  const fitting = { kernel: '(1,1)', num_filter: '2', no_bias: 'True' };
  const weights = paramsOf({ 'arg:w': { shape: [2, 3, 1, 1], values: [1, 1, 1, 1, 1, 1] } });

  it('are refused with what was expected and what was got', () => {
    const cases: [Uint8Array, Uint8Array, string][] = [
      [conv({ ...fitting, kernel: '(3, 3)' }), weights, 'shape [2,3,3,3], got [2,3,1,1]'],
      [conv({ ...fitting, kernel: '3' }), weights, 'expected a tuple of integers, got "3"'],
      [conv({ ...fitting, num_filter: 'two' }), weights, 'expected a number, got "two"'],
      [conv({ ...fitting, no_bias: 'maybe' }), weights, 'expected True or False'],
      [conv({ ...fitting, no_bias: 'False' }), weights, 'expected a bias as input 2, got 2 inputs'],
      [conv({ ...fitting, pad: '(-1, 0)' }), weights, 'four pads'],
      [conv({ ...fitting, stride: '(0, 1)' }), weights, 'kernel and stride'],
      [conv({ ...fitting, num_group: '0' }), weights, 'expected weights of shape'],
      [symbolOf(['null', 'data']), nothing, 'expected a computed value'],
      [symbolOf(['null', 'data'], ['_copy', 'id', [0]]), nothing, 'a computed value, got "data"'],
      [
        symbolOf(
          ['null', 'data'],
          ['null', 'g'],
          ['LeakyReLU', 'r', [0, 1], { act_type: 'prelu' }],
        ),
        nothing,
        'do both files belong together?',
      ],
      [
        symbolOf(['null', 'data'], ['_mul_scalar', 'm', [0], { scalar: '1e999' }]),
        nothing,
        'expected finite constants',
      ],
      [symbolOf(['null', 'data'], ['_copy', 'id', [[0, 1]]]), nothing, 'expected an activation'],
    ];
    for (const [symbols, params, words] of cases) {
      const read = (): unknown => importMxnet(symbols, params);
      expect(codeOf(read), words).toBe('bad_model');
      expect(messageOf(read)).toContain(words);
    }
  });

  it('are refused when the symbol is no symbol', () => {
    const text = (value: string): Uint8Array => new TextEncoder().encode(value);
    for (const bad of [
      '',
      'null',
      '[]',
      '{}',
      '{"nodes":[],"heads":[[0,0]]}',
      '{"nodes":{},"heads":[[0,0]]}',
      '{"nodes":[{"op":"null","name":"a","inputs":[[0,0]]}],"heads":[[0,0]]}',
      '{"nodes":[{"op":"null","name":"a","inputs":[]}],"heads":[[1,0]]}',
      '{"nodes":[{"op":"null","name":"a","inputs":[]}],"heads":[[[[[]]],0]]}',
      '{"nodes":[{"op":"null","name":7,"inputs":[]}],"heads":[[0,0]]}',
      '{"nodes":[{"op":"null","name":"a","inputs":[],"attrs":{"k":{}}}],"heads":[[0,0]]}',
      '{"__proto__":{"nodes":[]},"heads":[]}',
      '['.repeat(200_000),
      `{"nodes":${'['.repeat(100_000)}${']'.repeat(100_000)},"heads":[[0,0]]}`,
      `{"nodes":[{"op":"null","name":"a","inputs":[]}],"heads":[${'['.repeat(50_000)}${']'.repeat(50_000)}]}`,
    ]) {
      expect(
        codeOf(() => importMxnet(text(bad), nothing)),
        bad.slice(0, 80),
      ).toBe('bad_model');
    }
    expect(codeOf(() => importMxnet(Uint8Array.of(0xff, 0xfe), nothing))).toBe('bad_model');
  });

  it('are refused or give a valid graph when the symbol is damaged', () => {
    const model = microModel();
    const params = concatenate(writeMxnetParams(model));
    const codes = ['bad_model', 'unsupported_operator'];
    expectCodedErrors(writeMxnetSymbol(model), codes, (damaged) => {
      validateGraph(importMxnet(damaged, params).graph);
    });
  });

  it('cannot ask for constants out of proportion to their size', () => {
    const many = Array.from({ length: 9000 }, (_, i) => {
      const attributes = { scalar: String(i + 2) };
      return ['_mul_scalar', `m${i}`, [i + 2], attributes] as const;
    });
    const wide = { kernel: '(1,1)', stride: '(111,111)', num_filter: '2000', no_bias: 'True' };
    const symbols = symbolOf(
      ['null', 'data'],
      ['null', 'w'],
      ['Convolution', 'c', [0, 1], wide],
      ...many,
    );
    const values = new Array<number>(6000).fill(1);
    const params = paramsOf({ w: { shape: [2000, 3, 1, 1], values } });
    expect(messageOf(() => importMxnet(symbols, params))).toContain('per-channel constants');
  });
});
