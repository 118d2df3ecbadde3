/**
 * Where an ONNX file keeps its constants: as initialisers (raw_data or float_data) or as Constant
 * nodes, under MXNet's or torch's names; PRelu slopes in every shape that published files have.
 */

import {
  floatTensor,
  int64Tensor,
  type OnnxFileNode,
  type OnnxFileTensor,
} from '../formats/onnx/write.ts';
import type { SynthTensor } from './model.ts';
import { torchName } from './torch-names.ts';

export type SlopeForm = 'C' | 'C11' | '1C11' | 'reshape' | 'unsqueeze';

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

export class OnnxConstants {
  readonly initializers: OnnxFileTensor[] = [];
  private readonly nodes: OnnxFileNode[];
  private readonly style: OnnxStyle;
  private readonly storage: NonNullable<OnnxStyleOptions['storage']>;

  /** Nodes that make constants are appended to `nodes`. */
  constructor(nodes: OnnxFileNode[], style: OnnxStyle, options: OnnxStyleOptions) {
    this.nodes = nodes;
    this.style = style;
    this.storage = options.storage ?? 'raw_data';
  }

  /** All methods return the constant's name in the file. */
  slope(name: string, slope: SynthTensor, form: SlopeForm): string {
    const channels = slope.shape[0] as number;
    const stored = `${name}_gamma`;
    const dims = { C: [channels], C11: [channels, 1, 1], '1C11': [1, channels, 1, 1] };
    if (form !== 'reshape' && form !== 'unsqueeze') {
      return this.float(stored, dims[form], () => slope.read());
    }
    const vector = this.tensor(stored, slope);
    const shaped = this.nameOf(`${name}_slope`);
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

  tensor(name: string, tensor: SynthTensor): string {
    return this.float(name, tensor.shape, () => tensor.read());
  }

  float(name: string, dims: readonly number[], read: () => Float32Array): string {
    const field = this.storage === 'float_data' ? 'float_data' : 'raw_data';
    return this.constant(floatTensor(this.nameOf(name), dims, read, field));
  }

  /** As an initialiser, or as a Constant node before its use. Returns its name. */
  private constant(tensor: OnnxFileTensor): string {
    const { name } = tensor;
    if (this.storage !== 'constant_nodes') this.initializers.push(tensor);
    else {
      const attributes = { value: { tensor: { ...tensor, name: '' } } };
      this.nodes.push({ name, opType: 'Constant', inputs: [], outputs: [name], attributes });
    }
    return name;
  }

  private nameOf(name: string): string {
    return this.style === 'zoo' ? name : torchName(name);
  }
}
