/** Files that onnxruntime optimised: its fused operators, and the refusal of those for one machine. */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { floats, ints, node } from '../support/onnx-files.ts';
import { type ModelNode, type ModelTensor, modelBytes } from '../support/onnx-model.ts';
import { agree } from '../support/onnx-oracle.ts';
import { messageOf } from '../support/outcome.ts';

const pads = { pads: { ints: [1, 1, 1, 1] } } as const;
const tensors: ModelTensor[] = [
  floats('w', [3, 3, 3, 3]),
  floats('b', [3]),
  ints('to', [1, -1]),
  floats('rows', [5, 192]),
  floats('columns', [192, 5]),
  floats('c', [5]),
];
const flat = node('Reshape', ['x', 'to'], 'f');
const fused = (
  operator: string,
  inputs: string[],
  attributes: ModelNode['attributes'],
): ModelNode => ({
  ...node(`com.microsoft:${operator}`, inputs, 'y'),
  attributes: attributes ?? {},
});
const params = (...floatList: number[]) => ({ floats: floatList });

describe("onnxruntime's fused operators", () => {
  it.each([
    [
      'FusedConv with Relu',
      fused('FusedConv', ['x', 'w', 'b'], { ...pads, activation: { text: 'Relu' } }),
    ],
    [
      'FusedConv with LeakyRelu',
      fused('FusedConv', ['x', 'w'], {
        ...pads,
        activation: { text: 'LeakyRelu' },
        activation_params: params(0.2),
      }),
    ],
    [
      'FusedConv with Clip',
      fused('FusedConv', ['x', 'w'], {
        activation: { text: 'Clip' },
        activation_params: params(-0.2, 0.3),
      }),
    ],
    ['FusedConv with Sigmoid', fused('FusedConv', ['x', 'w'], { activation: { text: 'Sigmoid' } })],
    [
      'FusedConv with HardSigmoid',
      fused('FusedConv', ['x', 'w'], {
        activation: { text: 'HardSigmoid' },
        activation_params: params(0.2, 0.5),
      }),
    ],
    [
      'FusedConv with a residual',
      fused('FusedConv', ['x', 'w', 'b', 'x'], { ...pads, activation: { text: 'Relu' } }),
    ],
  ] as [string, ModelNode][])('%s are the operators that they were', async (_, one) => {
    await agree([one], tensors);
  });

  it.each([
    [
      'FusedGemm with Relu',
      fused('FusedGemm', ['f', 'rows', 'c'], { transB: { int: 1 }, activation: { text: 'Relu' } }),
    ],
    [
      'FusedGemm with LeakyRelu',
      fused('FusedGemm', ['f', 'columns', 'c'], {
        alpha: { float: 2 },
        activation: { text: 'LeakyRelu' },
        activation_alpha: { float: 0.3 },
      }),
    ],
    ['FusedMatMul', fused('FusedMatMul', ['f', 'columns'], { alpha: { float: 0.5 } })],
    [
      'FusedMatMul, transposed',
      fused('FusedMatMul', ['f', 'rows'], { transB: { int: 1 }, alpha: { float: 3 } }),
    ],
  ] as [string, ModelNode][])('%s are the layers that they were', async (_, one) => {
    await agree([flat, one], tensors);
  });

  const refusal = (...nodes: ModelNode[]): string =>
    messageOf(() => importOnnx(modelBytes({ nodes, tensors })));

  it('with other activations or transpositions are refused by name', () => {
    const tanh = fused('FusedConv', ['x', 'w'], { activation: { text: 'Tanh' } });
    expect(refusal(tanh)).toMatch(
      /^ONNX com\.microsoft:FusedConv "y": expected activation Relu, .* got Tanh/,
    );
    const left = fused('FusedMatMul', ['f', 'rows'], { transA: { int: 1 } });
    expect(refusal(flat, left)).toMatch(/FusedMatMul "y": expected transB alone, got transA/);
  });

  it.each([
    ['com.microsoft.nchwc:Conv', 'Conv'],
    ['com.microsoft.nchwc:ReorderInput', 'Conv'],
    ['com.ms.internal.nhwc:Conv', 'Conv'],
    ['com.microsoft:NhwcFusedConv', 'Conv'],
    ['com.microsoft:BiasGelu', 'PRelu'],
  ])('%s is refused with what to do', (operator, like) => {
    const message = refusal(node(operator, ['x', 'w'], 'y'));
    const [domain, name] = operator.split(':');
    expect(message.slice(0, 100)).toContain(
      `ONNX operator ${name} of ${domain}: expected one like`,
    );
    expect(message.slice(0, 100)).toContain(like);
    expect(message).toMatch(/save it with its basic optimisation level \(SessionOptions\.graph_/);
    expect(message.indexOf('ORT_ENABLE_BASIC')).toBeLessThan(300);
  });

  it('fallbacks to ATen are refused with what to do', () => {
    expect(refusal(node('org.pytorch.aten:ATen', ['x'], 'y'))).toMatch(/without fallback to ATen/);
  });
});

describe('networks of other families', () => {
  it.each([
    ['LayerNormalization', 'BatchNormalization'],
    ['Gelu', 'PRelu'],
    ['Softmax', 'Sigmoid'],
    ['Resize', 'Slice'],
    ['SplitToSequence', 'Concat'],
    ['NonMaxSuppression', 'Conv'],
    ['Loop', 'PRelu'],
  ])('%s (EdgeFace, transformers, detectors) is refused: nearest %s', (operator, like) => {
    const nodes = [node('Relu', ['x'], 'r'), node(operator, ['r'], 'y')];
    const start = messageOf(() => importOnnx(modelBytes({ nodes }))).slice(0, 100);
    expect(start).toContain(`ONNX operator ${operator} of ai.onnx: expected one like ${like},`);
  });
});
