/** L2 normalisation and norm-aware pooling in IR files, in every spelling, against their formulas. */

import { describe, expect, it } from 'vitest';
import {
  constant,
  f32,
  type IrFiles,
  type IrSpec,
  i64,
  importIr,
  irFiles,
  layer,
  outputOf,
} from '../support/openvino-ir.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

const V = [3, -4, 12];
const UNIT = V.map((v) => v / 13);

/** v: a picture of one pixel, doubled, as [1, 3]. */
const row = [
  constant('k', f32([], [2])),
  layer('d', 'Multiply', ['x', 'k']),
  constant('s', i64(0, -1)),
  layer('v', 'Reshape', ['d', 's'], { special_zero: 'true' }),
];
const axis = constant('a', i64(1));
const number = (id: string, value: number): IrSpec => constant(id, f32([], [value]));

const vectorFiles = (...layers: IrSpec[]): IrFiles => irFiles('1,3,1,1', [...row, axis, ...layers]);

/** A norm in pieces: the steps from `v` to `y`. */
const SPELLINGS: Readonly<Record<string, readonly IrSpec[]>> = {
  'ReduceL2 and Divide': [
    layer('n', 'ReduceL2', ['v', 'a'], { keep_dims: 'true' }),
    layer('y', 'Divide', ['v', 'n']),
  ],
  'without keep_dims, made a column again': [
    layer('n', 'ReduceL2', ['v', 'a'], { keep_dims: 'false' }),
    layer('c', 'Unsqueeze', ['n', 'a']),
    layer('y', 'Divide', ['v', 'c']),
  ],
  'Power, ReduceSum, Sqrt': [
    number('two', 2),
    layer('q', 'Power', ['v', 'two']),
    layer('s2', 'ReduceSum', ['q', 'a'], { keep_dims: 'true' }),
    layer('n', 'Sqrt', ['s2']),
    layer('y', 'Divide', ['v', 'n']),
  ],
  'Multiply, ReduceSum, Power 0.5': [
    number('half', 0.5),
    layer('q', 'Multiply', ['v', 'v']),
    layer('s2', 'ReduceSum', ['q', 'a'], { keep_dims: 'true' }),
    layer('n', 'Power', ['s2', 'half']),
    layer('y', 'Divide', ['v', 'n']),
  ],
  'Power -0.5 and Multiply': [
    number('minus', -0.5),
    layer('q', 'Multiply', ['v', 'v']),
    layer('s2', 'ReduceSum', ['q', 'a'], { keep_dims: 'true' }),
    layer('n', 'Power', ['s2', 'minus']),
    layer('y', 'Multiply', ['n', 'v']),
  ],
  'a reciprocal by Power -1, in f16 and back': [
    number('minus', -1),
    layer('n', 'ReduceL2', ['v', 'a'], { keep_dims: 'true' }),
    layer('h', 'Convert', ['n'], { destination_type: 'f16' }),
    layer('i', 'Power', ['h', 'minus']),
    layer('y', 'Multiply', ['v', 'i']),
  ],
  'one over its root, as TensorFlow normalises': [
    number('e', 1e-12),
    number('one', 1),
    layer('q', 'Multiply', ['v', 'v']),
    layer('s2', 'ReduceSum', ['q', 'a'], { keep_dims: 'true' }),
    layer('k2', 'Maximum', ['s2', 'e']),
    layer('n', 'Sqrt', ['k2']),
    layer('i', 'Divide', ['one', 'n']),
    layer('y', 'Multiply', ['v', 'i']),
  ],
  'Clamp and Broadcast, as torch normalises': [
    layer('n', 'ReduceL2', ['v', 'a'], { keep_dims: 'true' }),
    layer('g', 'Clamp', ['n'], { min: 1e-12, max: 3.4e38 }),
    layer('o', 'ShapeOf', ['v'], { output_type: 'i64' }),
    layer('b', 'Broadcast', ['g', 'o'], { mode: 'bidirectional' }),
    layer('y', 'Divide', ['v', 'b']),
  ],
  'Maximum with a small number': [
    number('e', 1e-12),
    layer('n', 'ReduceL2', ['v', 'a'], { keep_dims: 'true' }),
    layer('g', 'Maximum', ['n', 'e']),
    layer('y', 'Divide', ['v', 'g']),
  ],
  'a small number added': [
    number('e', 1e-10),
    layer('n', 'ReduceL2', ['v', 'a'], { keep_dims: 'true' }),
    layer('g', 'Add', ['e', 'n']),
    layer('y', 'Divide', ['v', 'g']),
  ],
  'NormalizeL2 with eps added': [
    layer('y', 'NormalizeL2', ['v', 'a'], { eps: 1e-10, eps_mode: 'add' }),
  ],
  'NormalizeL2 with eps as a bound': [
    layer('y', 'NormalizeL2', ['v', 'a'], { eps: 1e-12, eps_mode: 'max' }),
  ],
};

describe('a vector over its norm', () => {
  it.each(Object.entries(SPELLINGS))('%s', (_, steps) => {
    const files = vectorFiles(...steps);
    outputOf(files, V).forEach((value, i) => {
      expect(value).toBeCloseTo(UNIT[i] as number, 10);
    });
    expect(importIr(files).graph.nodes.map(({ op }) => op)).toEqual(['affine', 'l2_normalize']);
  });

  it('of a picture counts all its values', () => {
    const all = [
      constant('a3', i64(1, 2, 3)),
      layer('y', 'NormalizeL2', ['x', 'a3'], { eps: 1e-10, eps_mode: 'add' }),
    ];
    const values = [1, 2, 3, 4, 5, 6];
    const norm = Math.hypot(...values);
    outputOf(irFiles('1,3,1,2', all), values).forEach((value, i) => {
      expect(value).toBeCloseTo((values[i] as number) / norm, 10);
    });
  });

  it.each<[string, readonly IrSpec[], string]>([
    [
      'the norm of another value',
      [
        layer('n', 'ReduceL2', ['v', 'a'], { keep_dims: 'true' }),
        layer('w', 'Negative', ['v']),
        layer('y', 'Divide', ['w', 'n']),
      ],
      'a value over its own norm',
    ],
    ['a norm alone', [layer('y', 'ReduceL2', ['v', 'a'])], 'an activation as the output'],
    [
      'an eps that counts',
      [layer('y', 'NormalizeL2', ['v', 'a'], { eps: 0.01, eps_mode: 'add' })],
      'an eps of 0 to 0.000001, got 0.01',
    ],
    [
      'a number that is no guard',
      [
        number('e', 1),
        layer('n', 'ReduceL2', ['v', 'a'], { keep_dims: 'true' }),
        layer('g', 'Add', ['n', 'e']),
        layer('y', 'Divide', ['v', 'g']),
      ],
      'a small number added to a norm, got 1',
    ],
    ['a sum of no squares', [layer('y', 'ReduceSum', ['v', 'a'])], 'a sum of squares'],
    [
      'another eps_mode',
      [layer('y', 'NormalizeL2', ['v', 'a'], { eps: 0, eps_mode: 'sub' })],
      'eps_mode add or max',
    ],
  ])('is refused for %s', (_, steps, words) => {
    const read = (): unknown => importIr(vectorFiles(...steps));
    expect(codeOf(read)).toBe('unsupported_operator');
    expect(messageOf(read)).toContain(words);
  });

  it('that cannot be read is refused with the value before it', () => {
    const tail = [
      layer('n', 'ReduceL2', ['v', 'a'], { keep_dims: 'true' }),
      layer('e', 'Erf', ['n']),
      layer('y', 'Divide', ['v', 'e']),
    ];
    const message = messageOf(() => importIr(vectorFiles(...tail)));
    expect(message.slice(0, 100)).toContain('OpenVINO operator Erf of opset1');
    expect(message).toContain('give --value "v"');
    const { graph } = importIr(vectorFiles(...tail), { output: 'v' });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['affine']);
  });
});

describe('Normalize of versions 5 to 7', () => {
  const files = (
    data: IrSpec['data'],
    weights: number[] | undefined,
    shape = '1,3,1,1',
  ): IrFiles => {
    const blobs = weights && { blobs: { weights: f32([weights.length], weights) } };
    return irFiles(shape, [{ ...layer('y', 'Normalize', ['x'], data), ...blobs }], { version: 6 });
  };

  it('scales by one factor per channel, or one that they share', () => {
    const each = files({ across_spatial: 0, channel_shared: 0, eps: 1e-10 }, [1, 2, 4]);
    const expected = [UNIT[0], 2 * (UNIT[1] as number), 4 * (UNIT[2] as number)] as number[];
    outputOf(each, V).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 10);
    });
    const shared = files({ across_spatial: 1, channel_shared: 1, eps: 1e-10 }, [10]);
    outputOf(shared, V).forEach((value, i) => {
      expect(value).toBeCloseTo(10 * (UNIT[i] as number), 9);
    });
  });

  it('over the channels of each location is refused', () => {
    const picture = files({ across_spatial: 0, eps: 1e-10 }, undefined, '1,3,2,2');
    expect(messageOf(() => importIr(picture))).toContain('across_spatial 1, or a vector');
  });
});

describe('norm-aware pooling', () => {
  /** Two locations: norms 13 and 26; their mean is 19.5. */
  const picture = [3, 6, -4, -8, 12, 24];
  const means = [3, -4, 12].map((v) => v * 1.5);
  const last = [
    constant('t', i64(1, 3, 1, 1)),
    layer('r', 'Tile', ['f', 't']),
    layer('z', 'Multiply', ['x', 'r']),
    layer('y', 'AvgPool', ['z'], { kernel: '1,2' }),
  ];
  const steps: Readonly<Record<string, readonly IrSpec[]>> = {
    'as MXNet spells it': [
      layer('q', 'Multiply', ['x', 'x']),
      layer('s', 'ReduceSum', ['q', 'a'], { keep_dims: 'true' }),
      layer('n', 'Sqrt', ['s']),
      layer('m', 'ReduceMean', ['n', 'all'], { keep_dims: 'true' }),
      layer('f', 'Divide', ['m', 'n']),
    ],
    'with reciprocals': [
      number('minus', -1),
      layer('n', 'ReduceL2', ['x', 'a'], { keep_dims: 'true' }),
      layer('i', 'Power', ['n', 'minus']),
      layer('m', 'ReduceMean', ['n', 'all'], { keep_dims: 'true' }),
      layer('f', 'Multiply', ['i', 'm']),
    ],
  };

  it.each(Object.entries(steps))('%s', (_, spelled) => {
    const all = constant('all', i64(0, 1, 2, 3));
    const files = irFiles('1,3,1,2', [axis, all, ...spelled, ...last]);
    outputOf(files, picture).forEach((value, i) => {
      expect(value).toBeCloseTo(means[i] as number, 10);
    });
  });

  it('is refused where the mean is that of a row only', () => {
    const all = constant('all', i64(2));
    const spelled = steps['as MXNet spells it'] as IrSpec[];
    const files = irFiles('1,3,2,2', [axis, all, ...spelled, ...last]);
    expect(messageOf(() => importIr(files))).toContain('another mean of norms');
  });

  it('is refused where the ratio is turned over', () => {
    const all = constant('all', i64(0, 1, 2, 3));
    const spelled = [...(steps['as MXNet spells it'] as IrSpec[])];
    spelled[4] = layer('f', 'Divide', ['n', 'm']);
    const read = (): unknown => importIr(irFiles('1,3,1,2', [axis, all, ...spelled, ...last]));
    expect(codeOf(read)).toBe('unsupported_operator');
  });
});
