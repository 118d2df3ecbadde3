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
  floatTensor,
  int64Tensor,
  type OnnxFile,
  type OnnxFileAttribute,
  type OnnxFileNode,
  type OnnxFileTensor,
  writeOnnx,
} from '../formats/onnx/write.ts';
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
  SynthTensor,
} from './model.ts';
import { torchName } from './torch-names.ts';

type SlopeForm = 'C' | 'C11' | '1C11' | 'reshape' | 'unsqueeze';

export type OnnxStyle = 'zoo' | 'torch' | 'folded';

/** Defects and variants of published files; the defaults run in onnxruntime. */
export interface OnnxStyleOptions {
  /** Attribute `spatial` of batch norms in `zoo` style. Default 1; the exporter wrote 0. */
  readonly spatial?: 0 | 1;
  /** Shape of PRelu slopes. Default 'C11'; plain MXNet exports have 'C'. */
  readonly slope?: SlopeForm;
  /** Where constants are kept. Default 'raw_data'. */
  readonly storage?: 'raw_data' | 'float_data' | 'constant_nodes';
}

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
  private readonly initializers: OnnxFileTensor[] = [];
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
    const { model, style, nodes, initializers } = this;
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
      producer: 'arcface-wasm synth',
      name: `${model.name} seed ${model.seed}`,
      nodes,
      initializers,
      inputs: [input, ...(this.options.storage === 'constant_nodes' ? [] : parameters)],
      outputs: [{ name: output, dims: [isZoo ? 1 : 'None', this.embedding] }],
    };
  }

  private scalar({ op, name, input, value }: SynthScalar): void {
    if (this.style !== 'zoo') {
      this.skip(name, input);
      if (op === 'mul_scalar') this.inputFactor = value * TORCH_DIVISOR;
      return;
    }
    const constant = this.float(`${name}_scalar`, [1], () => Float32Array.of(value));
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
    const constants = [this.float(`${name}_weight`, weight.shape, read)];
    if (norm) {
      const bias = (): Float32Array => Float32Array.from(batchNormOf(norm).shift);
      constants.push(this.float(`${name}_bias`, norm.beta.shape, bias));
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
      this.float(`${name}_gamma`, gamma.shape, fixGamma ? ones : () => gamma.read()),
      this.tensor(`${name}_beta`, node.beta),
      this.tensor(`${name}_moving_mean`, node.mean),
      this.tensor(`${name}_moving_var`, node.variance),
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
    const constant = this.slope(name, slope, this.options.slope ?? 'C11');
    this.node('PRelu', name, [input], {}, [constant]);
  }

  private slope(name: string, slope: SynthTensor, form: SlopeForm): string {
    const channels = slope.shape[0] as number;
    const stored = `${name}_gamma`;
    const dims = { C: [channels], C11: [channels, 1, 1], '1C11': [1, channels, 1, 1] };
    if (form !== 'reshape' && form !== 'unsqueeze') {
      return this.float(stored, dims[form], () => slope.read());
    }
    const vector = this.tensor(stored, slope);
    const shaped = this.constantName(`${name}_slope`);
    const common = { name: shaped, outputs: [shaped] };
    if (form === 'unsqueeze') {
      const attributes = { axes: { ints: [1, 2] } };
      this.nodes.push({ ...common, opType: 'Unsqueeze', inputs: [vector], attributes });
      return shaped;
    }
    const target = this.constant(int64Tensor(`${name}_shape`, [1, channels, 1, 1]));
    this.nodes.push({ ...common, opType: 'Reshape', inputs: [vector, target] });
    return shaped;
  }

  private fc(node: SynthFc): void {
    const { name, weight } = node;
    this.embedding = weight.shape[0] as number;
    const flat = `${name}_flatten`;
    this.node('Flatten', flat, [node.input], { axis: { int: 1 } });
    const constants = [
      this.tensor(`${name}_weight`, weight),
      this.tensor(`${name}_bias`, node.bias),
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

  private tensor(name: string, tensor: SynthTensor): string {
    return this.float(name, tensor.shape, () => tensor.read());
  }

  private float(name: string, dims: readonly number[], read: () => Float32Array): string {
    const field = this.options.storage === 'float_data' ? 'float_data' : 'raw_data';
    return this.constant(floatTensor(this.constantName(name), dims, read, field));
  }

  /** As an initialiser, or as a Constant node before its use. Returns its name. */
  private constant(tensor: OnnxFileTensor): string {
    const { name } = tensor;
    if (this.options.storage !== 'constant_nodes') this.initializers.push(tensor);
    else {
      const attributes = { value: { tensor: { ...tensor, name: '' } } };
      this.nodes.push({ name, opType: 'Constant', inputs: [], outputs: [name], attributes });
    }
    return name;
  }

  private constantName(name: string): string {
    return this.style === 'zoo' ? name : torchName(name);
  }

  /** Torch numbers its values; the published r50 reads `input.1` and writes `683`. */
  private valueName(name: string): string {
    if (this.style === 'zoo') return name;
    if (name === this.model.inputName) return 'input.1';
    if (name === (this.alias.get(this.model.output) ?? this.model.output)) return '683';
    return torchName(name);
  }
}
