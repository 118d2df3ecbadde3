/** What a layer is, for tables and charts: its stage, its sizes, its kernel. */

import { readNetwork } from './models.mjs';

/**
 * @typedef {{ name: string, stage: string, shape: string, kernel: string, macs: number, ms: number }} Layer
 */

/** Layers of a loaded model, in order, with milliseconds that are still to be filled in. */
export async function describeLayers(model, weightsPath) {
  const { network, shapes } = await readNetwork(weightsPath);
  const ops = new Map(network.ops.map((op) => [op.name, op]));
  return model.plan().layers.map(({ name, kernel, macs }) => {
    const op = ops.get(name);
    const [input, output] = [shapes.get(op.inputs[0]), shapes.get(name)];
    return {
      name,
      stage: stageOf(name, op),
      shape: shapeOf(op, input, output),
      kernel,
      macs,
      ms: 0,
    };
  });
}

/** Stages by InsightFace's names; what stands in front of them is the stem, behind them the head. */
function stageOf(name, op) {
  const stage = /stage(\d+)/.exec(name);
  if (stage) return `stage ${stage[1]}`;
  if (op.op === 'fc') return 'head';
  return /^(conv0|bn0|relu0|conv_1|data)/.test(name) ? 'stem' : 'head';
}

export function shapeOf(op, input, output) {
  const sides = input.length === 3 ? `${input[1]}x${input[2]} ` : '';
  const channels = `${input[0]}->${output[0]}`;
  if (op.op !== 'conv') return `${sides}${channels} ${op.op}`;
  const residual = op.inputs.length > 1 ? ' +x' : '';
  const groups = op.group > 1 ? ` g${op.group}` : '';
  return `${sides}${channels} ${op.kernel.join('x')}s${op.stride[0]}${groups}${residual}`;
}
