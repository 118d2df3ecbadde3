/**
 * OpenVINO's element-wise arithmetic: with constants one scale and shift per channel, between two
 * activations a sum, a product or the gate of an SE unit, between constants another constant. Constants
 * that vary otherwise are refused.
 */

import { pairing, withRank } from '../axes.ts';
import { bound } from './activations.ts';
import { badModel, numbersOf, textOf, unsupported } from './attributes.ts';
import { type Binary, combined } from './constants.ts';
import { calling, type IrContext, shownDims } from './context.ts';
import type { IrLayer } from './ir.ts';
import { combineNorms } from './norms.ts';
import type { Activation, Constant, IrValue } from './values.ts';

type Layer = (layer: IrLayer, at: IrContext) => IrValue;

export const add: Layer = (layer, at) => binary(layer, at, 'Add');
export const subtract: Layer = (layer, at) => binary(layer, at, 'Subtract');
export const multiply: Layer = (layer, at) => binary(layer, at, 'Multiply');
export const divide: Layer = (layer, at) => binary(layer, at, 'Divide');

export const negative: Layer = (layer, at) => at.affine(layer, at.inAnyOrder(layer, 0), -1, 0);

function binary(layer: IrLayer, at: IrContext, operator: Binary): IrValue {
  if (layer.inputs.length !== 2) throw badModel(layer, '2 inputs', `${layer.inputs.length}`);
  const broadcast = textOf(layer, 'auto_broadcast', 'numpy');
  if (broadcast === 'pdpd') throw unsupported(layer, 'auto_broadcast numpy', broadcast);
  const [a, b] = [at.input(layer, 0), at.input(layer, 1)];
  if (a.kind === 'constant' && b.kind === 'constant') {
    return calling(layer, () => combined(operator, a, b));
  }
  const normalised = combineNorms(layer, at, operator, a, b);
  if (normalised) return normalised;
  if (b.kind === 'constant') return withConstant(layer, at, operator, at.inAnyOrder(layer, 0), b);
  if (a.kind === 'constant') return constantFirst(layer, at, operator, a, at.inAnyOrder(layer, 1));
  return ofTwo(layer, at, operator, at.activation(layer, 0), at.activation(layer, 1));
}

/** x op c. */
function withConstant(
  layer: IrLayer,
  at: IrContext,
  operator: Binary,
  x: Activation,
  constant: Constant,
): Activation {
  const view = withRank(x, constant.tensor.shape.length);
  const c = at.channels(layer, constant, view);
  const map = (f: (value: number) => number): number | Float64Array =>
    typeof c === 'number' ? f(c) : c.map(f);
  const wide = { ...x, ...view };
  if (operator === 'Add') return at.affine(layer, wide, 1, c);
  if (operator === 'Multiply') return at.affine(layer, wide, c, 0);
  if (operator === 'Subtract')
    return at.affine(
      layer,
      wide,
      1,
      map((value) => -value),
    );
  return at.affine(
    layer,
    wide,
    map((value) => 1 / value),
    0,
  );
}

/** c op x. */
function constantFirst(
  layer: IrLayer,
  at: IrContext,
  operator: Binary,
  constant: Constant,
  x: Activation,
): Activation {
  if (operator === 'Divide') throw unsupported(layer, 'a constant divisor', 'a constant dividend');
  if (operator !== 'Subtract') return withConstant(layer, at, operator, x, constant);
  const view = withRank(x, constant.tensor.shape.length);
  return at.affine(layer, { ...x, ...view }, -1, at.channels(layer, constant, view));
}

/** Two activations of one shape, or a value and its gate per channel in either order. */
function ofTwo(
  layer: IrLayer,
  at: IrContext,
  operator: Binary,
  a: Activation,
  b: Activation,
): Activation {
  const { name } = layer;
  const wide = withRank(a, b.axes.length);
  if (operator === 'Subtract') {
    const minus = at.named(at.builder.affine(`${name}/negative`, b.name, -1, 0), b);
    return ofTwo(layer, at, 'Add', a, minus);
  }
  const pair = pairing(a, b);
  if (pair === 'elements' && operator !== 'Divide') {
    const op = operator === 'Add' ? 'add' : 'mul';
    return at.emit({ op, name, inputs: [a.name, b.name] }, wide);
  }
  const gates = pair === 'gate' ? [a, b] : pairing(b, a) === 'gate' ? [b, a] : undefined;
  if (operator === 'Multiply' && gates) {
    const [x, gate] = gates as [Activation, Activation];
    return at.emit(
      { op: 'gate', name, inputs: [x.name, gate.name] },
      withRank(x, gate.axes.length),
    );
  }
  const expected = 'a sum or product of equal shapes, or a product with one gate per channel';
  throw unsupported(layer, expected, `${operator} of ${shownDims(a)} and ${shownDims(b)}`);
}

const ELTWISE: Readonly<Record<string, Binary>> = {
  sum: 'Add',
  add: 'Add',
  sub: 'Subtract',
  mul: 'Multiply',
  prod: 'Multiply',
  div: 'Divide',
};

/** Versions 5 to 7; coefficients are factors of the summands. */
export function eltwise(layer: IrLayer, at: IrContext): IrValue {
  const operation = textOf(layer, 'operation', 'sum');
  const operator = Object.hasOwn(ELTWISE, operation) ? ELTWISE[operation] : undefined;
  if (operation === 'max') return bound('min')(layer, at);
  if (operation === 'min') return bound('max')(layer, at);
  if (!operator) {
    throw unsupported(layer, `operation ${[...Object.keys(ELTWISE), 'max, min']}`, operation);
  }
  const coefficients = numbersOf(layer, 'coeff');
  if (coefficients.every((factor) => factor === 1)) return binary(layer, at, operator);
  const fits = operator === 'Add' && coefficients.length === 2;
  if (!fits) throw unsupported(layer, 'two coeff, of a sum', `${coefficients} of a ${operation}`);
  const [a, b] = coefficients.map((factor, index) => {
    const x = at.activation(layer, index);
    return at.named(at.builder.affine(`${layer.name}/coeff${index}`, x.name, factor, 0), x);
  });
  return ofTwo(layer, at, 'Add', a as Activation, b as Activation);
}

/** Versions 5 to 7: x * weights + biases. */
export function scaleShift(layer: IrLayer, at: IrContext): IrValue {
  const x = at.activation(layer, 0);
  const scale = at.blobChannels(layer, 'weights', x) ?? 1;
  const shift = at.blobChannels(layer, 'biases', x) ?? 0;
  return at.affine(layer, x, scale, shift);
}
