/**
 * One network compiled directly and as the engine chooses, over one copy of its weights. Runs a variant
 * step by step, so that algorithms can be compared layer by layer.
 */

import { readFileSync } from 'node:fs';
import { placeConstants } from '../../dist/compile/place-constants.js';
import { compile } from '../../dist/compile/schedule.js';
import { bindPlan } from '../../dist/engine/bind.js';
import { WEIGHTS_BASE } from '../../dist/engine/memory.js';
import { headerBytesNeeded, parseWeightsHeader } from '../../dist/formats/safetensors.js';

/** The fewest channels of a convolution by Winograd: none, or what the cost model says. */
const VARIANTS = { direct: Number.POSITIVE_INFINITY, chosen: undefined };

const SIDE = 112;

/**
 * @returns {{network: object, shapes: Map<string, number[]>, variants: object[], run: Function}}
 *   `run(variant, nchw)` returns the network's output and fills `variant.stepMs`
 */
export function prepareVariants(weightsPath) {
  return variantsOf(readFileSync(weightsPath));
}

/** The same for the bytes of a weights file. */
export function variantsOf(file) {
  const header = parseWeightsHeader(
    file.subarray(0, headerBytesNeeded(file.subarray(0, 8))),
    file.length,
  );
  const { network, shapes } = header;
  const { offsets, extras, end } = placeConstants(header);
  const variants = Object.entries(VARIANTS).map(([name, winogradFrom]) => {
    const plan = compile({
      network,
      shapes,
      constants: offsets,
      batch: 1,
      threads: 1,
      winogradFrom,
    });
    return { name, plan, bound: bindPlan(plan, WEIGHTS_BASE + end), stepMs: [] };
  });
  const bytes = Math.max(...variants.map(({ bound }) => bound.endAddress));
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) });
  const all = new Uint8Array(memory.buffer, WEIGHTS_BASE, header.dataBytes);
  all.set(file.subarray(header.dataOffset));
  for (const { name, values } of extras) {
    new Float32Array(memory.buffer, WEIGHTS_BASE + offsets.get(name)).set(values);
  }
  const module = new WebAssembly.Module(
    readFileSync(new URL('../../dist/wasm/simd.wasm', import.meta.url)),
  );
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const run = (variant, nchw) => runVariant(exports, memory, variant, nchw);
  return { network, shapes, variants, run };
}

function runVariant(exports, memory, variant, nchw) {
  const { plan, bound } = variant;
  new Int32Array(memory.buffer, bound.argsBase).set(bound.argWords);
  const input = new Float32Array(memory.buffer, bound.inputAddress, SIDE * SIDE * 4);
  for (let i = 0; i < SIDE * SIDE; i++) {
    for (let c = 0; c < 3; c++) input[i * 4 + c] = nchw[c * SIDE * SIDE + i];
  }
  variant.stepMs = plan.steps.map((step, i) => {
    const start = performance.now();
    exports[step.kernel](bound.argsAddresses[i], 0, 1);
    return performance.now() - start;
  });
  return new Float32Array(memory.buffer, bound.outputAddress, plan.outputFeatures).slice();
}
