/**
 * Receives the network of a weights file as parsed JSON, which anybody may have written, and
 * returns it typed, rebuilt field by field in a fixed order. Refuses unknown keys and operators,
 * counts and names beyond their bounds, inputs that come later, shapes that do not fit, and an output that
 * is no vector.
 */

import { printable } from '../printable.ts';
import { DTYPE_NAMES, isDtype, type SmallDtype } from './dtype.ts';
import type { Shape } from './graph.ts';
import { canBeSmall } from './layout.ts';
import {
  describe,
  expect,
  isIntegerIn,
  MAX_ELEMENTS,
  MAX_EXTENT,
  MAX_NAME_LENGTH,
  MAX_NODES,
} from './limits.ts';
import type { Network, NetworkActivation, NetworkOp } from './network.ts';
import { inferNetworkShapes, isVector } from './shapes.ts';

const CODE = 'bad_weights';

/** Throws ArcfaceError 'bad_weights'; what it returns can be compiled without further checks. */
export function validateNetwork(json: unknown): Network {
  const fields = new Fields(json, 'network');
  const network: Network = {
    name: fields.name('name'),
    input: readInput(fields.take('input')),
    ops: readOps(fields.take('ops')),
    output: fields.name('output'),
  };
  fields.end();
  const shapes = inferNetworkShapes(network);
  requireStorable(network, shapes);
  const computed = network.ops.some((op) => op.name === network.output);
  expect(computed, CODE, 'network.output', 'the name of an operator', network.output);
  const output = shapes.get(network.output) as Shape;
  expect(isVector(output), CODE, 'network.output', 'a vector, the embedding', [...output]);
  return network;
}

function requireStorable(network: Network, shapes: ReadonlyMap<string, Shape>): void {
  network.ops.forEach((op, index) => {
    if ((op.op !== 'conv' && op.op !== 'fc') || op.dtype === undefined) return;
    const possible = canBeSmall(op, shapes.get(op.inputs[0] as string) as Shape);
    const expected = 'none for a product whose rows fill no cache lines';
    expect(possible, CODE, `network.ops[${index}].dtype`, expected, op.dtype);
  });
}

function readInput(json: unknown): Network['input'] {
  const fields = new Fields(json, 'network.input');
  const name = fields.name('name');
  const [c, h, w] = fields.integers('shape', 3, 1, MAX_ELEMENTS);
  fields.end();
  return { name, shape: [c as number, h as number, w as number] };
}

function readOps(json: unknown): NetworkOp[] {
  const counted = Array.isArray(json) && json.length >= 1 && json.length <= MAX_NODES;
  const got = Array.isArray(json) ? json.length : json;
  expect(counted, CODE, 'network.ops', `an array of 1..${MAX_NODES}`, got);
  return (json as unknown[]).map((op, index) => {
    const fields = new Fields(op, `network.ops[${index}]`);
    const read = readOp(fields);
    fields.end();
    return read;
  });
}

function readOp(fields: Fields): NetworkOp {
  const op = fields.take('op');
  const name = fields.name('name');
  const inputs = fields.names('inputs');
  switch (op) {
    case 'conv':
      return { op, name, inputs, ...readConv(fields) };
    case 'fc': {
      const outFeatures = fields.integer('outFeatures', 1, MAX_ELEMENTS);
      return { op, name, inputs, outFeatures, ...readStored(fields), ...readActivation(fields) };
    }
    case 'clip': {
      const { min, max } = readRange(fields);
      return { op, name, inputs, min, max };
    }
    case 'l2_normalize':
      return { op, name, inputs, eps: fields.number('eps', 0, Number.MAX_VALUE) };
    case 'affine':
    case 'prelu':
    case 'sigmoid':
    case 'add':
    case 'mul':
    case 'concat':
    case 'gate':
    case 'global_average_pool':
    case 'equalize_norms':
      return { op, name, inputs };
    default:
      expect(false, CODE, `${fields.where}.op`, 'an operator of arcface-wasm/1', op);
  }
}

function readConv(fields: Fields): Omit<NetworkOp & { op: 'conv' }, 'op' | 'name' | 'inputs'> {
  const outChannels = fields.integer('outChannels', 1, MAX_ELEMENTS);
  const kernel = fields.integers('kernel', 2, 1, MAX_EXTENT) as [number, number];
  const stride = fields.integers('stride', 2, 1, MAX_EXTENT) as [number, number];
  const pads = fields.integers('pads', 4, 0, MAX_EXTENT) as [number, number, number, number];
  const group = fields.integer('group', 1, MAX_ELEMENTS);
  const padValue = fields.take('padValue');
  expect(typeof padValue === 'boolean', CODE, `${fields.where}.padValue`, 'a boolean', padValue);
  const sizes = { outChannels, kernel, stride, pads, group, padValue };
  return { ...sizes, ...readStored(fields), ...readActivation(fields) };
}

/** How weights are stored; that they may be is checked with the shapes. */
function readStored(fields: Fields): { dtype?: SmallDtype } {
  const dtype = fields.take('dtype');
  if (dtype === undefined) return {};
  const isSmall = isDtype(dtype) && dtype !== 'f32';
  const expected = `one of ${DTYPE_NAMES.filter((name) => name !== 'f32').join(', ')}, or none`;
  expect(isSmall, CODE, `${fields.where}.dtype`, expected, dtype);
  return { dtype };
}

function readActivation(fields: Fields): { activation?: NetworkActivation } {
  const json = fields.take('activation');
  if (json === undefined) return {};
  const inner = new Fields(json, `${fields.where}.activation`);
  const kind = inner.take('kind');
  expect(kind === 'prelu' || kind === 'clip', CODE, `${inner.where}.kind`, 'prelu or clip', kind);
  const activation: NetworkActivation = kind === 'prelu' ? { kind } : { kind, ...readRange(inner) };
  inner.end();
  return { activation };
}

function readRange(fields: Fields): { min: number; max: number } {
  const min = fields.number('min', -Number.MAX_VALUE, Number.MAX_VALUE);
  const max = fields.number('max', min, Number.MAX_VALUE);
  return { min, max };
}

/** The fields of one JSON object; each is taken once, and `end` refuses what was not taken. */
class Fields {
  readonly where: string;
  private readonly rest: Map<string, unknown>;

  constructor(json: unknown, where: string) {
    const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
    expect(isObject, CODE, where, 'an object', json);
    this.where = where;
    this.rest = new Map(Object.entries(json as object));
  }

  take(key: string): unknown {
    const value = this.rest.get(key);
    this.rest.delete(key);
    return value;
  }

  name(key: string): string {
    return readName(this.take(key), `${this.where}.${key}`);
  }

  /** One or two: no operator has more inputs. */
  names(key: string): string[] {
    const value = this.take(key);
    const counted = Array.isArray(value) && value.length >= 1 && value.length <= 2;
    expect(counted, CODE, `${this.where}.${key}`, '1 or 2 names', value);
    return (value as unknown[]).map((name) => readName(name, `${this.where}.${key}`));
  }

  integer(key: string, min: number, max: number): number {
    const value = this.take(key);
    const at = `${this.where}.${key}`;
    expect(isIntegerIn(value, min, max), CODE, at, `an integer of ${min}..${max}`, value);
    return value;
  }

  integers(key: string, count: number, min: number, max: number): number[] {
    const value = this.take(key);
    const sound =
      Array.isArray(value) &&
      value.length === count &&
      value.every((item) => isIntegerIn(item, min, max));
    expect(sound, CODE, `${this.where}.${key}`, `${count} integers of ${min}..${max}`, value);
    return value as number[];
  }

  number(key: string, min: number, max: number): number {
    const value = this.take(key);
    const sound = typeof value === 'number' && value >= min && value <= max;
    expect(sound, CODE, `${this.where}.${key}`, `a number of ${min}..${max}`, value);
    return value as number;
  }

  end(): void {
    const [unknown] = this.rest.keys();
    expect(unknown === undefined, CODE, this.where, 'no other keys', unknown);
  }
}

function readName(value: unknown, where: string): string {
  const sound = typeof value === 'string' && value.length >= 1 && value.length <= MAX_NAME_LENGTH;
  expect(sound, CODE, where, `a name of 1..${MAX_NAME_LENGTH} characters`, describe(value));
  expect(value === printable(value), CODE, where, 'a name without control characters', value);
  return value;
}
