/**
 * Whether a network has learned anything, as far as its file says: `synth` writes seeded random numbers, and
 * what those say about faces means nothing. Receives what a file states, returns 'none' or 'unknown'.
 */

export type Training = 'none' | 'unknown';

/** Who wrote a file of seeded numbers, and the entry of `metadata_props` that says so. */
export const SYNTH_PRODUCER = 'arcface-wasm synth';
export const SYNTH_STATEMENT = ['arcface-wasm.training', 'none'] as const;

/** How `synth` calls its graphs, and so `convert` the weights: all that older files have. */
const SYNTH_NAME = /^(r18|r34|r50|r100|mobilefacenet) seed \d{1,10}$/;

export function trainingOfOnnx(file: {
  readonly metadata: ReadonlyMap<string, string>;
  readonly producer: string;
  readonly graph: { readonly name: string };
}): Training {
  const [key, value] = SYNTH_STATEMENT;
  const isSeeded = file.metadata.get(key) === value || file.producer === SYNTH_PRODUCER;
  return isSeeded || SYNTH_NAME.test(file.graph.name) ? 'none' : 'unknown';
}

/** `stated`: `training` of the metadata, if it is there. */
export function trainingOfWeights(stated: string | undefined, networkName: string): Training {
  return stated === 'none' || SYNTH_NAME.test(networkName) ? 'none' : 'unknown';
}
