/**
 * A seeded training-form network -> the files MXNet saves of it, byte for byte reproducible:
 * `symbol.json` and `.params`, the latter in chunks so that 261 MB are never held. Older forms can
 * be asked for, since the readers must take them.
 */

import {
  LIST_MAGIC,
  type ParamsVersion,
  TYPE_FLAGS,
  VERSION_MAGIC,
} from '../../../src/formats/mxnet/params.ts';
import type { SynthModel, SynthNode, SynthTensor } from '../../../src/synth/model.ts';
import { encodeFloat16 } from '../float16.ts';

export interface MxnetParamsOptions {
  /** Default V2, what MXNet 1.0 to 1.9 writes. */
  readonly version?: ParamsVersion;
  /** Default f32. */
  readonly type?: 'f32' | 'f16' | 'f64';
}

export interface MxnetSymbolOptions {
  /**
   * '1.2' has `attrs`, '0.11' has `attr`, '0.8' has `param`, two-element inputs and no variables for
   * running statistics. Default '1.2'.
   */
  readonly era?: '1.2' | '0.11' | '0.8';
}

interface Parameter {
  readonly name: string;
  readonly kind: 'arg' | 'aux';
  readonly tensor: SynthTensor;
}

const HEAD_BYTES = 24;
const CPU = 1;
const MXNET_DEFAULT_EPS = 1e-3;

/** `arg:` arrays in graph order, then `aux:` arrays. */
export function* writeMxnetParams(
  model: SynthModel,
  options: MxnetParamsOptions = {},
): Generator<Uint8Array> {
  const { version = 'V2', type = 'f32' } = options;
  const all = model.nodes.flatMap(parametersOf);
  const ordered = ['arg', 'aux'].flatMap((kind) => all.filter((param) => param.kind === kind));
  const head = new DataView(new ArrayBuffer(HEAD_BYTES));
  head.setUint32(0, LIST_MAGIC, true);
  head.setUint32(16, ordered.length, true);
  yield bytesOf(head);
  for (const { tensor } of ordered) {
    yield arrayHeader(tensor.shape, version, TYPE_FLAGS.indexOf(type));
    yield encode(tensor.read(), type);
  }
  yield u64(ordered.length);
  for (const { kind, name } of ordered) {
    const text = new TextEncoder().encode(`${kind}:${name}`);
    yield u64(text.length);
    yield text;
  }
}

/** `parameters` in the order of the operator's inputs after the first. */
function parametersOf(node: SynthNode): Parameter[] {
  const arg = (role: string, tensor: SynthTensor): Parameter => {
    return { name: `${node.name}_${role}`, kind: 'arg', tensor };
  };
  switch (node.op) {
    case 'conv':
      return [arg('weight', node.weight)];
    case 'fc':
      return [arg('weight', node.weight), arg('bias', node.bias)];
    case 'prelu':
      return [arg('gamma', node.slope)];
    case 'batchnorm':
      return [
        arg('gamma', node.gamma),
        arg('beta', node.beta),
        { ...arg('moving_mean', node.mean), kind: 'aux' },
        { ...arg('moving_var', node.variance), kind: 'aux' },
      ];
    default:
      return [];
  }
}

function arrayHeader(shape: readonly number[], version: ParamsVersion, flag: number): Uint8Array {
  const words: number[] = [];
  if (version !== 'legacy') words.push(VERSION_MAGIC[version]);
  if (version === 'V2' || version === 'V3') words.push(0);
  words.push(shape.length);
  for (const n of shape) words.push(...(version === 'legacy' ? [n] : [n, 0]));
  words.push(CPU, 0, flag);
  const view = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  return bytesOf(view);
}

function encode(values: Float32Array, type: 'f32' | 'f16' | 'f64'): Uint8Array {
  if (type === 'f16') return encodeFloat16(values);
  return bytesOf(type === 'f64' ? Float64Array.from(values) : values);
}

function u64(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, value, true);
  return bytesOf(view);
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

interface JsonNode {
  readonly op: string;
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly inputs: readonly (readonly [number, number, number])[];
}

export function writeMxnetSymbol(model: SynthModel, options: MxnetSymbolOptions = {}): Uint8Array {
  const { era = '1.2' } = options;
  const nodes: JsonNode[] = [{ op: 'null', name: model.inputName, inputs: [] }];
  const ids = new Map([[model.inputName as string, 0]]);
  for (const node of model.nodes) {
    const activations = node.op === 'add' ? node.inputs : [node.input];
    const inputs: [number, number, number][] = activations.map((name) => [
      ids.get(name) as number,
      0,
      0,
    ]);
    for (const { name, kind } of parametersOf(node)) {
      if (era === '0.8' && kind === 'aux') continue;
      inputs.push([nodes.length, 0, kind === 'aux' ? 1 : 0]);
      nodes.push({ op: 'null', name, inputs: [] });
    }
    ids.set(node.name, nodes.length);
    nodes.push({ ...operatorOf(node), name: node.name, inputs });
  }
  const head = [ids.get(model.output) as number, 0, 0] as const;
  const text = JSON.stringify(symbolOf(nodes, head, era), null, 2);
  return new TextEncoder().encode(`${text}\n`);
}

function symbolOf(
  nodes: readonly JsonNode[],
  head: readonly [number, number, number],
  era: '1.2' | '0.11' | '0.8',
): object {
  const key = { '1.2': 'attrs', '0.11': 'attr', '0.8': 'param' }[era];
  const trim = (input: readonly number[]): readonly number[] =>
    era === '0.8' ? input.slice(0, 2) : input;
  const arguments_ = nodes.flatMap((node, id) => (node.op === 'null' ? [id] : []));
  return {
    nodes: nodes.map(({ op, name, attributes, inputs }) => ({
      op,
      name,
      ...(attributes && { [key]: attributes }),
      inputs: inputs.map(trim),
      ...(era === '0.8' && { backward_source_id: -1 }),
    })),
    arg_nodes: arguments_,
    heads: [trim(head)],
    ...(era === '1.2' && { attrs: { mxnet_version: ['int', 10201] } }),
  };
}

function operatorOf(node: SynthNode): Pick<JsonNode, 'op' | 'attributes'> {
  switch (node.op) {
    case 'identity':
      return { op: '_copy' };
    case 'flatten':
      return { op: 'Flatten' };
    case 'dropout':
      return { op: 'Dropout', attributes: { p: '0.4' } };
    case 'minus_scalar':
    case 'mul_scalar':
      return { op: `_${node.op}`, attributes: { scalar: String(node.value) } };
    case 'add':
      return { op: 'elemwise_add' };
    case 'prelu':
      return { op: 'LeakyReLU', attributes: { act_type: 'prelu' } };
    case 'fc':
      return { op: 'FullyConnected', attributes: { num_hidden: String(node.weight.shape[0]) } };
    case 'batchnorm':
      return { op: 'BatchNorm', attributes: batchNormAttributes(node.eps, node.fixGamma) };
    case 'conv': {
      const [filters, , kh, kw] = node.weight.shape;
      return {
        op: 'Convolution',
        attributes: {
          kernel: `(${kh}, ${kw})`,
          no_bias: 'True',
          num_filter: String(filters),
          num_group: String(node.group),
          pad: `(${node.pad.join(', ')})`,
          stride: `(${node.stride.join(', ')})`,
        },
      };
    }
  }
}

/** MXNet's own symbols leave out an eps that is the default; so does this, which tests the reader. */
function batchNormAttributes(eps: number, fixGamma: boolean): Record<string, string> {
  const stated = eps === MXNET_DEFAULT_EPS ? {} : { eps: String(eps) };
  return { ...stated, fix_gamma: fixGamma ? 'True' : 'False', momentum: '0.9' };
}
