/**
 * One node of a folded graph as tfjs calls, constants uploaded once. Values are NHWC.
 *
 * A convolution whose padding has a value p per channel is the zero-padded convolution of x - p,
 * plus the sum of w * p over all taps, which goes into the bias: exact, for one subtraction more.
 */

import * as tf from '@tensorflow/tfjs-core';

/** @returns {{name: string, inputs: string[], constants: object[], run: Function}} */
export function prepareNode(node, graph) {
  const prepare = PREPARE[node.op];
  if (!prepare) throw new Error(`tfjs: "${node.name}": no rule for operator ${node.op}`);
  const { constants = [], run } = prepare(node, graph);
  return { name: node.name, inputs: node.inputs, constants, run };
}

const PREPARE = {
  conv: prepareConv,
  fc: prepareFc,
  affine: (node) => {
    const [scale, shift] = [vector(node.scale), vector(node.shift)];
    return { constants: [scale, shift], run: (x) => tf.add(tf.mul(x, scale), shift) };
  },
  prelu: (node) => {
    const slope = vector(node.slope);
    return { constants: [slope], run: (x) => tf.prelu(x, slope) };
  },
  clip: (node) => ({ run: (x) => tf.clipByValue(x, node.min, node.max) }),
  add: () => ({ run: (a, b) => tf.add(a, b) }),
  // Features in C-major order, as the graph counts them.
  flatten: () => ({ run: (x) => tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [1, -1]) }),
};

function prepareConv(node) {
  const [outputs, inputs, kh, kw] = node.weight.shape;
  const depthwise = node.group > 1;
  if (depthwise && (inputs !== 1 || outputs !== node.group)) {
    throw new Error(`tfjs: "${node.name}": no rule for ${node.group} groups of ${inputs} channels`);
  }
  const weight = node.weight.read();
  const bias = vector(biasWithPadding(node, weight));
  const filter = tf.tidy(() =>
    tf.transpose(
      tf.tensor4d(weight, [outputs, inputs, kh, kw]),
      depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0],
    ),
  );
  const pad = node.padValue && vector(node.padValue);
  const slope = node.activation?.kind === 'prelu' ? vector(node.activation.slope) : undefined;
  const [top, left, bottom, right] = node.pads;
  const convolve = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
  const hasResidual = node.inputs.length > 1;
  const run = (x, residual) => {
    const y = convolve({
      x: pad ? tf.sub(x, pad) : x,
      filter,
      strides: node.stride,
      pad: [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ],
      bias,
      ...(slope && !hasResidual && { activation: 'prelu', preluActivationWeights: slope }),
    });
    const sum = hasResidual ? tf.add(y, residual) : y;
    return slope && hasResidual ? tf.prelu(sum, slope) : clipped(sum, node.activation);
  };
  return { constants: [filter, bias, pad, slope].filter(Boolean), run };
}

function prepareFc(node) {
  const [outputs, features] = node.weight.shape;
  const weight = tf.tensor2d(node.weight.read(), [outputs, features]);
  const bias = vector(node.bias ?? new Float64Array(outputs));
  if (node.activation) throw new Error(`tfjs: "${node.name}": no rule for an activation behind fc`);
  const run = (x) => tf.add(tf.matMul(tf.reshape(x, [1, -1]), weight, false, true), bias);
  return { constants: [weight, bias], run };
}

function biasWithPadding(node, weight) {
  const [outputs, inputs, kh, kw] = node.weight.shape;
  const taps = kh * kw;
  const bias = Float64Array.from(node.bias ?? new Float64Array(outputs));
  if (!node.padValue) return bias;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      const value = node.padValue[node.group > 1 ? o : i];
      const at = (o * inputs + i) * taps;
      for (let tap = 0; tap < taps; tap++) bias[o] += weight[at + tap] * value;
    }
  }
  return bias;
}

function clipped(x, activation) {
  return activation?.kind === 'clip' ? tf.clipByValue(x, activation.min, activation.max) : x;
}

const vector = (values) => tf.tensor1d(Float32Array.from(values));
