/**
 * The whole conversion: an imported model in, a weights file out, as a header and data that is made
 * tensor by tensor while it is written. Same input, same bytes. Refuses options that make no sense,
 * inputs that are no aligned face, outputs that are no vector, and graphs that cannot be folded or packed.
 */

import { ArcfaceError } from '../errors.ts';
import type { Imported } from '../formats/imported.ts';
import { encodeWeightsHeader } from '../formats/safetensors.ts';
import type { Training } from '../formats/training.ts';
import { countGraph, type GraphCounts } from '../graph/count.ts';
import { DTYPES, type Dtype } from '../graph/dtype.ts';
import { FACE_SHAPE, type Graph, type Shape } from '../graph/graph.ts';
import { sizeOf } from '../graph/limits.ts';
import { dtypeOf, type Network } from '../graph/network.ts';
import type { Basis, ChannelOrder, Preprocessing } from '../graph/preprocessing.ts';
import { isVector } from '../graph/shapes.ts';
import { validateGraph } from '../graph/validate.ts';
import type { FaceStatistics } from './evidence/face-statistics.ts';
import { LFW_FACES } from './evidence/lfw-faces.ts';
import { type Evidence, weighEvidence } from './evidence/weigh.ts';
import { type FoldReport, foldGraph } from './fold.ts';
import type { Product } from './fold-affine.ts';
import { bakeNormalization, reverseInputChannels } from './input.ts';
import { type PackedTensor, packGraph } from './pack.ts';
import { basisNotes, choosePreprocessing, type PreprocessingOptions } from './preprocessing.ts';

export interface ConvertOptions extends PreprocessingOptions {
  /** How weights are stored, as far as their layer allows; f32 if absent. Arithmetic is f32 either way. */
  readonly dtype?: Dtype | undefined;
  /**
   * Name and SHA-256 (hex) of the file that was imported; of a model of two files, of the one that
   * holds the weights, and the other's SHA-256 as `graphSha256`.
   */
  readonly source: {
    readonly name: string;
    readonly sha256: string;
    readonly graphSha256?: string | undefined;
  };
  readonly licence?: string | undefined;
  /** What faces are like, for the evidence of the network itself; LFW's if absent. */
  readonly faces?: FaceStatistics | undefined;
}

export interface ConvertReport {
  readonly counts: GraphCounts;
  readonly folded: FoldReport;
  /** mean and std in the order `trainedOn`. */
  readonly preprocessing: Preprocessing;
  /** Channel order that the network was trained on. */
  readonly trainedOn: ChannelOrder;
  /** Channel order that the weights take. */
  readonly inputOrder: ChannelOrder;
  /** What the three rest on. */
  readonly basis: Basis;
  /** What the network's batch norms remember of its training, against that. */
  readonly evidence: Evidence;
  readonly licence: string;
  readonly training: Training;
  /** What was assumed or changed, one sentence each; those of the importer first. */
  readonly notes: readonly string[];
  /** Values cleaned to 0, by tensor; complete once all chunks have been taken. */
  readonly cleaned: ReadonlyMap<string, number>;
}

export interface Converted {
  readonly network: Network;
  readonly header: Uint8Array;
  /** The data, one tensor at a time. */
  chunks(): Iterable<Uint8Array>;
  readonly byteLength: number;
  readonly report: ConvertReport;
}

const DEFAULT_LICENCE =
  'Not stated by the source file. Models trained by InsightFace are for non-commercial research only.';

export function convertModel(imported: Imported, options: ConvertOptions): Converted {
  const { source, licence = DEFAULT_LICENCE } = options;
  const { training = 'unknown' } = imported;
  requireFaceInput(imported.graph);
  requireVectorOutput(imported.graph);
  const choice = choosePreprocessing(imported, options);
  const { preprocessing, trainedOn, inputOrder, basis } = choice;
  const assumed = { ...preprocessing, order: trainedOn };
  const turned = trainedOn !== choice.graphOrder;
  const evidence = weighEvidence(imported.graph, assumed, options.faces ?? LFW_FACES, turned);
  const normalized = bakeNormalization(imported.graph, choice.front);
  const { graph: folded, report } = foldGraph(
    inputOrder === choice.graphOrder ? normalized : reverseInputChannels(normalized),
    (product) => keepsSteps(product, imported, options.dtype),
  );
  const { network, tensors, cleaned } = packGraph(folded, options.dtype);
  const counts = countGraph(imported.graph);
  const header = encodeWeightsHeader(
    {
      dtype: dtypeOf(network),
      inputOrder,
      trainedOn,
      preprocessing,
      basis,
      output: imported.graph.output,
      source: source.name,
      sourceSha256: source.sha256,
      graphSha256: source.graphSha256,
      licence,
      training,
      counts,
    },
    network,
  );
  const bytesIn = ({ spec }: PackedTensor): number => sizeOf(spec.shape) * DTYPES[spec.dtype].bytes;
  const dataBytes = tensors.reduce((sum, tensor) => sum + bytesIn(tensor), 0);
  return {
    network,
    header,
    *chunks() {
      for (const tensor of tensors) yield bytesOf(tensor.read());
    },
    byteLength: header.length + dataBytes,
    report: {
      counts,
      folded: report,
      preprocessing,
      trainedOn,
      inputOrder,
      basis,
      evidence,
      licence,
      training,
      notes: [...imported.notes, ...basisNotes(basis)],
      cleaned,
    },
  };
}

/**
 * Weights that a file holds in 8 bits, and that are to be stored so, keep their numbers: a factor per output
 * changes their scale, one per input channel would change themselves.
 */
function keepsSteps(product: Product, { quantization }: Imported, dtype?: Dtype): boolean {
  if (quantization === undefined || dtype !== 'q8') return false;
  const [, inputs = 0] = product.weight.shape;
  return inputs % 8 === 0 && (product.op === 'fc' || product.group === 1);
}

/** Weights for anything else could be written, and never loaded. */
function requireFaceInput({ input }: Graph): void {
  const [expected, got] = [FACE_SHAPE, input.shape].map((shape) => `[1, ${shape.join(', ')}]`);
  if (got === expected) return;
  const where = `input ${JSON.stringify(input.name)}`;
  const message = `${where}: expected ${expected}, an aligned face, got ${got}; export the model for that size`;
  throw new ArcfaceError('bad_model', message);
}

/** Of a feature map one pixel would be taken for the embedding. */
function requireVectorOutput(graph: Graph): void {
  const shapes = validateGraph(graph);
  const isEmbedding = (shape: Shape): boolean => isVector(shape) && shape[0] > 1;
  const shape = shapes.get(graph.output) as Shape;
  if (isEmbedding(shape)) return;
  const names = graph.nodes.map(({ name }) => name);
  const vectors = names.filter((name) => isEmbedding(shapes.get(name) as Shape)).slice(-4);
  const advice =
    vectors.length > 0
      ? `give --value with one of its vectors, such as ${vectors.reverse().map(quoted).join(', ')}`
      : 'this network computes none';
  const got = shape[0] === 1 && isVector(shape) ? 'a single number' : `[${shape.join(', ')}]`;
  const message = `value ${quoted(graph.output)}: expected a vector, the embedding, got ${got}; ${advice}`;
  throw new ArcfaceError('bad_model', message);
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 60));
}

/** The format is little endian, and so is every machine that runs WebAssembly with typed arrays alike. */
function bytesOf(values: ReturnType<PackedTensor['read']>): Uint8Array {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
    const message = 'convert: expected a little-endian machine, got a big-endian one';
    throw new ArcfaceError('unsupported_runtime', message);
  }
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
