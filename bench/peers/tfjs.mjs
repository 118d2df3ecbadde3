/**
 * tfjs-backend-wasm (XNNPACK). It reads no ONNX, so it gets the network as this engine folds it,
 * batch norms and activations inside fused convolutions: the best case for it. In Node it has one
 * thread.
 */

import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setThreadsCount, setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { foldGraph } from '../../dist/convert/fold.js';
import { importOnnx } from '../../dist/formats/onnx/import.js';
import { prepareNode } from './tfjs-nodes.mjs';

export const version = version_wasm;
export const maxThreads = 1;

export async function load(onnxPath) {
  await startBackend();
  const imported = importOnnx(new Uint8Array(await readFile(onnxPath)));
  const { graph } = foldGraph(imported.graph);
  const steps = graph.nodes.map((node) => prepareNode(node, graph));
  return {
    async run(nchw) {
      const output = tf.tidy(() => {
        const picture = tf.tensor4d(nchw, [1, ...graph.input.shape]);
        const values = new Map([[graph.input.name, tf.transpose(picture, [0, 2, 3, 1])]]);
        const left = countUses(graph);
        for (const step of steps) runStep(step, values, left);
        return values.get(graph.output);
      });
      const data = await output.data();
      output.dispose();
      return data;
    },
    dispose() {
      for (const step of steps) for (const constant of step.constants) constant.dispose();
    },
  };
}

async function startBackend() {
  const main = fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm'));
  setWasmPaths(`${dirname(main)}/`);
  setThreadsCount(1);
  // Emscripten takes any runtime that has `fetch` for a browser and would fetch the file.
  const { fetch } = globalThis;
  globalThis.fetch = undefined;
  try {
    if (!(await tf.setBackend('wasm'))) throw new Error('tfjs: the wasm backend does not start');
    await tf.ready();
  } finally {
    globalThis.fetch = fetch;
  }
}

/** How often each value is still read; the output is read once more, by the caller. */
function countUses(graph) {
  const uses = new Map([[graph.output, 1]]);
  for (const node of graph.nodes) {
    for (const name of node.inputs) uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return uses;
}

function runStep(step, values, left) {
  const inputs = step.inputs.map((name) => values.get(name));
  values.set(
    step.name,
    tf.tidy(() => step.run(...inputs)),
  );
  for (const name of step.inputs) {
    left.set(name, left.get(name) - 1);
    if (left.get(name) > 0) continue;
    values.get(name).dispose();
    values.delete(name);
  }
}
