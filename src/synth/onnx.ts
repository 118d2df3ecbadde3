/**
 * A seeded training-form network as the ONNX file that each world publishes:
 *
 * - `zoo`: MXNet's names, opset 8, (x - 127.5) / 128 in the graph, initialisers listed as inputs;
 * - `torch`: iresnet's names, opset 11, open batch, normalisation left to the caller, who by
 *   InsightFace's rule uses (x - 127.5) / 127.5: the first convolution makes up for the difference;
 * - `folded`: the same with every batch norm behind a convolution folded into it.
 *
 * All give the same embedding for the same face, up to f32 rounding of scaled weights.
 */

import {
  type OnnxFile,
  type OnnxFileAttribute,
  type OnnxFileNode,
  writeOnnx,
} from '../formats/onnx/write.ts';
import { SYNTH_PRODUCER, SYNTH_STATEMENT } from '../formats/training.ts';
import { batchNormOf, scaleRows } from './batch-norm.ts';
import type {
  SynthBatchNorm,
  SynthConv,
  SynthFc,
  SynthModel,
  SynthNode,
  SynthPass,
  SynthPRelu,
  SynthScalar,
} from './model.ts';
import { OnnxConstants, type OnnxStyle, type OnnxStyleOptions } from './onnx-constants.ts';
import { torchName } from './torch-names.ts';

/** (x - 127.5) / 128 of a value that was divided by 127.5. */
const TORCH_DIVISOR = 127.5;
const MOMENTUM = 0.9;

/** The file in pieces. Equal arguments give equal bytes. */
export function onnxOfSynth(
  model: SynthModel,
  style: OnnxStyle,
  options: OnnxStyleOptions = {},
): Generator<Uint8Array> {
  return writeOnnx(onnxFileOfSynth(model, style, options));
}

export function onnxFileOfSynth(
  model: SynthModel,
  style: OnnxStyle,
  options: OnnxStyleOptions = {},
): OnnxFile {
  const writer = new SynthOnnx(model, style, options);
  for (const node of model.nodes) writer.add(node);
  return writer.file();
}

class SynthOnnx {
  private readonly model: SynthModel;
  private readonly style: OnnxStyle;
  private readonly options: OnnxStyleOptions;
  private readonly nodes: OnnxFileNode[] = [];
  private readonly constants: OnnxConstants;
  /** Value that stands for another one where a node was left out. */
  private readonly alias = new Map<string, string>();
  /** Batch norms that were folded into the convolution before them. */
  private readonly folded = new Set<string>();
  /** Factor of the graph's own normalisation that a torch file leaves to its first convolution. */
  private inputFactor = 1;
  private embedding = 0;

  constructor(model: SynthModel, style: OnnxStyle, options: OnnxStyleOptions) {
    this.model = model;
    this.style = style;
    this.options = options;
    this.constants = new OnnxConstants(this.nodes, style, options);
  }

  add(node: SynthNode): void {
    switch (node.op) {
      case 'minus_scalar':
      case 'mul_scalar':
        this.scalar(node);
        break;
      case 'identity':
        this.pass('Identity', node);
        break;
      case 'dropout':
        this.pass('Dropout', node);
        break;
      case 'flatten':
        this.node('Flatten', node.name, [node.input], { axis: { int: 1 } });
        break;
      case 'conv':
        this.conv(node);
        break;
      case 'batchnorm':
        if (!this.folded.has(node.name)) this.batchNorm(node);
        break;
      case 'prelu':
        this.prelu(node);
        break;
      case 'add':
        this.node('Add', node.name, node.inputs);
        break;
      case 'fc':
        this.fc(node);
        break;
    }
  }

  file(): OnnxFile {
    const { model, style, nodes } = this;
    const { initializers } = this.constants;
    const isZoo = style === 'zoo';
    const input = {
      name: this.valueName(model.inputName),
      dims: [isZoo ? 1 : 'None', 3, 112, 112],
    };
    // Before IR version 4 every initialiser has to be a graph input as well.
    const parameters = isZoo ? initializers.map(({ name, dims }) => ({ name, dims })) : [];
    const output = this.valueName(this.alias.get(model.output) ?? model.output);
    return {
      irVersion: isZoo ? 3 : 6,
      opset: isZoo ? 8 : 11,
      producer: SYNTH_PRODUCER,
      metadata: [SYNTH_STATEMENT],
      name: `${model.name} seed ${model.seed}`,
      nodes,
      initializers,
      inputs: [input, ...parameters],
      outputs: [{ name: output, dims: [isZoo ? 1 : 'None', this.embedding] }],
    };
  }

  private scalar({ op, name, input, value }: SynthScalar): void {
    if (this.style !== 'zoo') {
      this.skip(name, input);
      if (op === 'mul_scalar') this.inputFactor = value * TORCH_DIVISOR;
      return;
    }
    const constant = this.constants.float(`${name}_scalar`, [1], () => Float32Array.of(value));
    this.node(op === 'minus_scalar' ? 'Sub' : 'Mul', name, [input], {}, [constant]);
  }

  private pass(opType: string, { name, input }: SynthPass): void {
    if (this.style === 'zoo') this.node(opType, name, [input]);
    else this.skip(name, input);
  }

  private conv(node: SynthConv): void {
    const { name, weight, stride, pad } = node;
    const factor = this.inputFactor;
    this.inputFactor = 1;
    const next = this.model.nodes.find((other) => other.op === 'batchnorm' && other.input === name);
    const norm = this.style === 'folded' ? (next as SynthBatchNorm | undefined) : undefined;
    const read = norm
      ? () =>
          scaleRows(
            weight.read(),
            batchNormOf(norm).scale.map((scale) => scale * factor),
          )
      : () => (factor === 1 ? weight.read() : weight.read().map((value) => value * factor));
    const constants = [this.constants.float(`${name}_weight`, weight.shape, read)];
    if (norm) {
      const bias = (): Float32Array => Float32Array.from(batchNormOf(norm).shift);
      constants.push(this.constants.float(`${name}_bias`, norm.beta.shape, bias));
      this.folded.add(norm.name);
      this.skip(norm.name, name);
    }
    this.node(
      'Conv',
      name,
      [node.input],
      {
        dilations: { ints: [1, 1] },
        group: { int: node.group },
        kernel_shape: { ints: weight.shape.slice(2) },
        pads: { ints: [...pad, ...pad] },
        strides: { ints: stride },
      },
      constants,
    );
  }

  private batchNorm(node: SynthBatchNorm): void {
    const { name, gamma, fixGamma } = node;
    const ones = (): Float32Array => new Float32Array(gamma.shape[0] as number).fill(1);
    const constants = [
      this.constants.float(`${name}_gamma`, gamma.shape, fixGamma ? ones : () => gamma.read()),
      this.constants.tensor(`${name}_beta`, node.beta),
      this.constants.tensor(`${name}_moving_mean`, node.mean),
      this.constants.tensor(`${name}_moving_var`, node.variance),
    ];
    const { spatial = 1 } = this.options;
    const attributes: Record<string, OnnxFileAttribute> = {
      epsilon: { float: node.eps },
      momentum: { float: MOMENTUM },
      ...(this.style === 'zoo' ? { spatial: { int: spatial } } : {}),
    };
    this.node('BatchNormalization', name, [node.input], attributes, constants);
  }

  private prelu({ name, input, slope }: SynthPRelu): void {
    const constant = this.constants.slope(name, slope, this.options.slope ?? 'C11');
    this.node('PRelu', name, [input], {}, [constant]);
  }

  private fc(node: SynthFc): void {
    const { name, weight } = node;
    this.embedding = weight.shape[0] as number;
    const flat = `${name}_flatten`;
    this.node('Flatten', flat, [node.input], { axis: { int: 1 } });
    const constants = [
      this.constants.tensor(`${name}_weight`, weight),
      this.constants.tensor(`${name}_bias`, node.bias),
    ];
    const attributes = { alpha: { float: 1 }, beta: { float: 1 }, transB: { int: 1 } };
    this.node('Gemm', name, [flat], attributes, constants);
  }

  private node(
    opType: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxFileAttribute>> = {},
    constants: readonly string[] = [],
  ): void {
    const values = inputs.map((input) => this.valueName(this.alias.get(input) ?? input));
    this.nodes.push({
      name: this.style === 'zoo' ? name : `${opType}_${this.nodes.length}`,
      opType,
      inputs: [...values, ...constants],
      outputs: [this.valueName(name)],
      attributes,
    });
  }

  private skip(name: string, from: string): void {
    this.alias.set(name, this.alias.get(from) ?? from);
  }

  /** Torch numbers its values; the published r50 reads `input.1` and writes `683`. */
  private valueName(name: string): string {
    if (this.style === 'zoo') return name;
    if (name === this.model.inputName) return 'input.1';
    if (name === (this.alias.get(this.model.output) ?? this.model.output)) return '683';
    return torchName(name);
  }
}
