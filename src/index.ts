/**
 * arcface-wasm: ArcFace ResNet100 face embeddings in any JavaScript runtime. This is Node's entry, under the
 * name that a checkout uses; the package picks one of src/entries/ by the conditions of its `exports`.
 *
 * @module
 */

export * from './entries/node.ts';
