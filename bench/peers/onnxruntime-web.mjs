/** onnxruntime-web: WebAssembly. Its number of threads is one for the whole process. */

import * as ort from 'onnxruntime-web';
import { loadSession } from './session.mjs';

export const version = ort.env.versions.common;

export async function load(onnxPath, { threads }) {
  ort.env.wasm.numThreads = threads;
  return loadSession(ort, onnxPath, { executionProviders: ['wasm'] });
}
