/** What the first operators of a graph say, the same in every form; with InsightFace's rule where numbers say nothing. */

import { describe, expect, it } from 'vitest';
import { choosePreprocessing } from '../../src/convert/preprocessing.ts';
import { importMxnet } from '../../src/formats/mxnet/import.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { importOpenvino } from '../../src/formats/openvino/import.ts';
import { NOTHING, type Normalization, uniform } from '../../src/graph/preprocessing.ts';
import { paramsOf, symbolOf, vector } from '../support/mxnet-files.ts';
import { floats, node, onnxFile } from '../support/onnx-files.ts';
import { constant, edge, irOf, PORTS } from '../support/openvino-files.ts';
import { isOwn } from '../support/preprocessing.ts';

const NORM = ['gamma', 'beta', 'mean', 'var'];

/** Operator and node name of each step; the last one's value is the embedding. */
type Steps = readonly (readonly [string, string])[];

const onnx = (steps: Steps): boolean => {
  const nodes = steps.map(([operator, name], i) => {
    const operands = { Sub: ['s'], Mul: ['m'], BatchNormalization: NORM, Conv: ['w'] };
    const constants = operands[operator as keyof typeof operands] ?? [];
    return { ...node(operator, [i === 0 ? 'x' : `v${i - 1}`, ...constants], `v${i}`), name };
  });
  const bytes = onnxFile(nodes, [
    floats('s', [1], [127.5]),
    floats('m', [1], [1 / 128]),
    floats('w', [3, 3, 1, 1]),
    ...NORM.map((name) => floats(name, [3], [1, 2, 3])),
  ]);
  return isOwn(importOnnx(bytes));
};

const MXNET: Record<string, string> = {
  Sub: '_minus_scalar',
  Mul: '_mul_scalar',
  BatchNormalization: 'BatchNorm',
  Sigmoid: 'sigmoid',
  Relu: 'relu',
};

const mxnet = (steps: Steps): boolean => {
  const variables = ['data', ...NORM];
  const nodes = steps.map(([operator, name], i) => {
    const isNorm = operator === 'BatchNormalization';
    const from = i === 0 ? 0 : variables.length + i - 1;
    const attributes: Record<string, string> = isNorm
      ? { fix_gamma: 'False' }
      : { scalar: operator === 'Sub' ? '127.5' : '0.0078125' };
    const inputs = isNorm ? [from, 1, 2, 3, 4] : [from];
    return [MXNET[operator] as string, name, inputs, attributes] as const;
  });
  const symbol = symbolOf(...variables.map((name) => ['null', name] as const), ...nodes);
  const params = paramsOf(Object.fromEntries(NORM.map((name) => [name, vector(1, 2, 3)])));
  return isOwn(importMxnet(symbol, params));
};

const IR: Record<string, readonly [type: string, offset: number]> = {
  Sub: ['Subtract', 0],
  Mul: ['Multiply', 4],
  Sigmoid: ['Sigmoid', -1],
  Relu: ['ReLU', -1],
};

const openvino = (steps: Steps): boolean => {
  const layers: string[] = [];
  const edges: string[] = [];
  steps.forEach(([operator, name], i) => {
    const [type, offset] = IR[operator] as readonly [string, number];
    const id = i === steps.length - 1 ? 'out' : `l${i}`;
    const constants = offset >= 0 ? 1 : 0;
    layers.push(`<layer id="${id}" name="${name}" type="${type}">${PORTS(1 + constants)}</layer>`);
    edges.push(edge(i === 0 ? 'p' : `l${i - 1}`, id));
    if (constants === 0) return;
    layers.push(constant(`c${i}`, 'f32', '1,1,1,1', offset, 4));
    edges.push(edge(`c${i}`, id, 1));
  });
  const bin = new Uint8Array(Float32Array.of(127.5, 1 / 128).buffer);
  return isOwn(importOpenvino(irOf(layers.join(''), edges.join('')), bin));
};

describe.each([
  ['ONNX', onnx],
  ['MXNet', mxnet],
  ['OpenVINO', openvino],
] as const)('own normalisation of %s files', (_, reads) => {
  it('is found in a subtraction and a multiplication, whatever they are called', () => {
    const tail = ['Sigmoid', 'y'] as const;
    expect(reads([['Sub', '_minusscalar0'], ['Mul', '_mulscalar0'], tail])).toBe(true);
    expect(reads([['Sub', 'a'], ['Mul', 'b'], tail])).toBe(true);
  });

  it('is found by the names of the first operators alone', () => {
    expect(
      reads([
        ['Sigmoid', 'Sub_1'],
        ['Sigmoid', 'Mul_2'],
      ]),
    ).toBe(true);
    expect(
      reads([
        ['Sigmoid', '_minusscalar0'],
        ['Relu', '_mulscalar0'],
      ]),
    ).toBe(true);
    expect(
      reads([
        ['Sigmoid', 'Sub_1'],
        ['Sigmoid', 'second'],
      ]),
    ).toBe(false);
    expect(
      reads([
        ['Sigmoid', 'a_Sub'],
        ['Sigmoid', 'a_Mul'],
      ]),
    ).toBe(false);
    const late = Array.from({ length: 8 }, (_, i) => ['Sigmoid', `s${i}`] as const);
    expect(reads([...late, ['Sigmoid', 'Sub_1'], ['Sigmoid', 'Mul_2']])).toBe(false);
  });

  it('is a subtraction alone of what is the middle of 0..255', () => {
    expect(
      reads([
        ['Sub', 'a'],
        ['Sigmoid', 'y'],
      ]),
    ).toBe(true);
  });

  it('is not found behind another operator', () => {
    expect(
      reads([
        ['Sigmoid', 'x1'],
        ['Sub', 'a'],
        ['Mul', 'b'],
      ]),
    ).toBe(false);
  });
});

describe('a batch norm in front', () => {
  it.each([
    ['ONNX', onnx],
    ['MXNet', mxnet],
  ] as const)('of %s files is no normalisation, unless it is called bn_data', (_, reads) => {
    const tail = ['Sigmoid', 'y'] as const;
    expect(reads([['BatchNormalization', 'bn0'], tail])).toBe(false);
    expect(reads([['BatchNormalization', 'bn_data'], tail])).toBe(true);
  });

  it('of OpenVINO files is scale and shift like any other, and counts', () => {
    expect(
      openvino([
        ['Mul', 'a'],
        ['Sub', 'b'],
        ['Sigmoid', 'y'],
      ]),
    ).toBe(true);
  });
});

describe('an MXNet graph that starts with', () => {
  const UNIT = { mean: uniform(0), std: uniform(255) };
  const SYMMETRIC = { mean: uniform(127.5), std: uniform(127.5) };
  type Step = readonly [operator: string, operand: number | readonly number[]];

  const front = (steps: readonly Step[]): Normalization => {
    const isScalar = (step: Step): boolean => typeof step[1] === 'number';
    const arrays = steps.flatMap((step, i) => (isScalar(step) ? [] : [i]));
    const variables = ['data', ...arrays.map((i) => `p${i}`)];
    const nodes = [...steps, ['sigmoid', 0] as Step].map((step, i) => {
      const [operator, operand] = step;
      const from = i === 0 ? 0 : variables.length + i - 1;
      const array = variables.indexOf(`p${i}`);
      const inputs = array > 0 ? [from, array] : [from];
      return [operator, `n${i}`, inputs, { scalar: String(operand) }] as const;
    });
    const symbol = symbolOf(...variables.map((name) => ['null', name] as const), ...nodes);
    const params = arrays.map((i) => {
      const [, values] = steps[i] as readonly [string, number[]];
      return [`p${i}`, { shape: [1, 3, 1, 1] as number[], values }] as const;
    });
    return choosePreprocessing(importMxnet(symbol, paramsOf(Object.fromEntries(params))), {}).front;
  };

  it.each<[Normalization, Step[]]>([
    [
      NOTHING,
      [
        ['_minus_scalar', 127.5],
        ['_mul_scalar', 0.0078125],
      ],
    ],
    [
      NOTHING,
      [
        ['_mul_scalar', 0.0078125],
        ['_minus_scalar', 0.99609375],
      ],
    ],
    [NOTHING, [['_div_scalar', 255]]],
    [NOTHING, [['_plus_scalar', -127.5]]],
    [
      NOTHING,
      [
        ['broadcast_sub', [123.675, 116.28, 103.53]],
        ['broadcast_div', [58.395, 57.12, 57.375]],
      ],
    ],
    [
      UNIT,
      [
        ['_minus_scalar', 0.5],
        ['_div_scalar', 0.5],
      ],
    ],
    [
      UNIT,
      [
        ['broadcast_sub', [0.485, 0.456, 0.406]],
        ['broadcast_div', [0.229, 0.224, 0.225]],
      ],
    ],
    [
      SYMMETRIC,
      [
        ['_plus_scalar', 1],
        ['_mul_scalar', 127.5],
      ],
    ],
    [SYMMETRIC, []],
  ])('is given what makes %o of a face: %o', (expected, steps) => {
    expect(front(steps)).toEqual(expected);
  });
});
