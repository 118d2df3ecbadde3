/** onnxruntime-node: native code. The package brings its binaries; its install script is not needed. */

import ort from 'onnxruntime-node';
import { loadSession } from './session.mjs';

export const version = ort.env.versions.common;

export async function load(onnxPath, { threads }) {
  return loadSession(ort, onnxPath, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
}
