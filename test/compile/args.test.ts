/** Host and kernels read the same argument blocks: the two sources are compared field by field. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ACT_CLIP,
  ACT_NONE,
  ACT_PRELU,
  CONV_FIELDS,
  FLOAT_FIELDS,
  POINTWISE_FIELDS,
  WINOGRAD_FIELDS,
} from '../../src/compile/args.ts';
import { FILTER_ROWS, positionsOf, TILE_OUTPUTS } from '../../src/compile/winograd-cost.ts';
import { WORK_BYTES } from '../../src/compile/winograd-steps.ts';

const SOURCE = readFileSync(new URL('../../assembly/args.ts', import.meta.url), 'utf8');
const STRIDES = readFileSync(
  new URL('../../assembly/winograd/strides.ts', import.meta.url),
  'utf8',
);

interface Field {
  readonly name: string;
  readonly type: string;
}

/** The fields of `class <name>` in the kernels' source, in order. */
function fieldsOf(className: string): Field[] {
  const body = new RegExp(`class ${className} \\{(.*?)\\n\\}`, 's').exec(SOURCE)?.[1] ?? '';
  return [...body.matchAll(/^ {2}(\w+): (\w+);$/gm)].map(([, name = '', type = '']) => ({
    name,
    type,
  }));
}

describe.each([
  ['ConvArgs', CONV_FIELDS],
  ['PointwiseArgs', POINTWISE_FIELDS],
  ['WinogradArgs', WINOGRAD_FIELDS],
] as const)('%s', (className, fields) => {
  it('has the same fields in the same order on both sides', () => {
    expect(fieldsOf(className).map(({ name }) => name)).toEqual([...fields]);
  });

  it('has one 32-bit word per field, floats where the host writes floats', () => {
    for (const { name, type } of fieldsOf(className)) {
      const types = FLOAT_FIELDS.has(name) ? ['f32'] : ['i32', 'usize'];
      expect(types, name).toContain(type);
    }
  });
});

describe('argument blocks', () => {
  it('are those of every class that the kernels declare', () => {
    const classes = [...SOURCE.matchAll(/class (\w+)/g)].map(([, name]) => name);
    expect(classes.sort()).toEqual(['ConvArgs', 'PointwiseArgs', 'WinogradArgs']);
  });

  it.each(Object.entries({ ACT_NONE, ACT_PRELU, ACT_CLIP }))('%s is one number', (name, host) => {
    const [, value] = new RegExp(`const ${name}: i32 = (\\d+);`).exec(SOURCE) ?? [];
    expect(host).toBe(Number(value));
  });

  it('leave the Winograd kernels two work tiles of the largest size, in whole cache lines', () => {
    const vectors = Number(/TILE_VECTORS: usize = (\d+);/.exec(STRIDES)?.[1]);
    expect(WORK_BYTES).toBe(2 * vectors * 16);
    expect(WORK_BYTES % 64).toBe(0);
    expect(vectors).toBeGreaterThanOrEqual(positionsOf(2) ** 2);
  });

  it('follow from the sizes that the Winograd kernels have', () => {
    const [, outputs] = /OUTPUTS: i32 = (\d+);/.exec(STRIDES) ?? [];
    const [, filters] = /FILTERS: i32 = (\d+);/.exec(STRIDES) ?? [];
    const [, two, one] = /stride === 2 \? (\d+) : (\d+);/.exec(STRIDES) ?? [];
    expect([outputs, filters, two, one].map(Number)).toEqual([
      TILE_OUTPUTS,
      FILTER_ROWS,
      positionsOf(2),
      positionsOf(1),
    ]);
  });
});
