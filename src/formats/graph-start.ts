/**
 * What the first operators of a graph say about the values it wants. Receives a graph and the names of
 * its file's operators; returns claims: of its constants, of a batch norm that comes first, and of
 * InsightFace's rule, which goes by names where numbers say nothing. Refuses nothing.
 */

import type { AffineNode, ConvNode, Graph, GraphNode } from '../graph/graph.ts';
import {
  type Claim,
  formulaOf,
  isNothing,
  NOTHING,
  type Normalization,
  type PerChannel,
} from '../graph/preprocessing.ts';
import {
  RANGE_NAMES,
  rangeOfConstants,
  rangeOfStatistics,
  TO_RANGE,
  type ValueRange,
} from './value-range.ts';

/** The operators that see nothing but the input, up to the first that mixes pixels or has company. */
export interface GraphStart {
  /**
   * All shifts and scales in front of anything else as one (x - mean) / std. Batch norms do not count, and
   * convolutions that look at one value each do if the result tells a range of pixel values.
   */
  readonly normalization: Normalization;
  /** The batch norm behind nothing but the input. */
  readonly batchNorm: AffineNode | undefined;
  /** Bounds that the input is clipped to. */
  readonly clip: readonly [number, number] | undefined;
  /** Whether the graph exchanges first and last channel of its input: it takes the reverse of its own order. */
  readonly reversesChannels: boolean;
}

/** Of an input of unsigned bytes. */
export const BYTES_INPUT: Claim = {
  source: 'type',
  text: "The file's input is of bytes, 0..255",
  front: NOTHING,
};

/** `batchNorms`: graph nodes that were batch norms. */
export function startOf(graph: Graph, batchNorms: ReadonlySet<string>): GraphStart {
  const chain = chainOf(graph);
  const isNorm = (node: GraphNode): boolean => batchNorms.has(node.name);
  const [first, second] = chain;
  const clip = first?.op === 'clip' ? ([first.min, first.max] as const) : undefined;
  const behindClip = clip ? second : first;
  const affines: Affine[] = [];
  const withConvolutions: Affine[] = [];
  for (const node of clip ? chain.slice(1) : chain) {
    const affine = isNorm(node) ? undefined : affineOf(node);
    if (!affine) break;
    if (affines.length === withConvolutions.length && node.op === 'affine') affines.push(affine);
    withConvolutions.push(affine);
  }
  const batchNorm = behindClip?.op === 'affine' && isNorm(behindClip) ? behindClip : undefined;
  const wide = composed(withConvolutions);
  const normalization = rangeOfConstants(wide) ? wide : composed(affines);
  const reversesChannels = withConvolutions.filter(({ turns }) => turns).length % 2 === 1;
  return { normalization, batchNorm, clip, reversesChannels };
}

interface Affine extends Pick<AffineNode, 'scale' | 'shift'> {
  /** Reads its channels backwards. */
  readonly turns?: true | undefined;
}

/** Of a convolution with one tap that mixes no channels too: how converters of other forms write a scale. */
function affineOf(node: GraphNode): Affine | undefined {
  if (node.op === 'affine') return node;
  if (node.op !== 'conv' || !isPointwise(node)) return undefined;
  const weight = node.weight.readExact?.() ?? Float64Array.from(node.weight.read());
  const shift = node.bias ?? new Float64Array(3);
  if (node.group === 3) return { scale: weight, shift };
  const pick = (at: readonly number[]): Float64Array =>
    Float64Array.from(at, (i) => weight[i] as number);
  const zeros = weight.filter((value) => value === 0).length;
  const [scale, back] = [pick([0, 4, 8]), pick([2, 4, 6])];
  if (zeros !== 6) return undefined;
  if (!scale.includes(0)) return { scale, shift };
  return back.includes(0) ? undefined : { scale: back, shift, turns: true };
}

/** [3, 1, 1, 1] in three groups, or [3, 3, 1, 1], on every pixel. */
function isPointwise({ weight, group, stride, pads }: ConvNode): boolean {
  const [outputs, inputs, kh, kw] = weight.shape;
  const channels = outputs === 3 && inputs === 3 / group;
  return channels && [kh, kw, ...stride].every((n) => n === 1) && pads.every((n) => n === 0);
}

export function namesOf({ nodes }: { readonly nodes: readonly { name: string }[] }): string[] {
  return nodes.map(({ name }) => name);
}

/** `names` of the file's operators, in order. */
export function claimsOfStart(start: GraphStart, names: readonly string[]): Claim[] {
  return [
    ...ofConstants(start),
    ...ofClip(start),
    ...ofBatchNorm(start),
    ...ofInsightFace(start, names),
  ];
}

function ofConstants({ normalization }: GraphStart): Claim[] {
  if (isNothing(normalization)) return [];
  const range = rangeOfConstants(normalization);
  const text = `The graph starts with ${formulaOf(normalization)}`;
  if (range) return [{ ...wants('constants', range, text), own: true }];
  return [{ source: 'constants', text: `${text}, which tells no range of pixel values` }];
}

function ofClip({ clip }: GraphStart): Claim[] {
  const [min, max] = clip ?? [];
  const bounds = { '0,255': 'bytes', '0,1': 'unit', '-1,1': 'symmetric' } as const;
  const range = bounds[`${min},${max}` as keyof typeof bounds];
  return range ? [wants('constants', range, `The graph clips its input to ${min}..${max}`)] : [];
}

/** A network with external normalisation may start with a batch norm too: then it has seen -1..1. */
function ofBatchNorm({ batchNorm }: GraphStart): Claim[] {
  const remembered = batchNorm?.remembered;
  if (!remembered) return [];
  const mean = tripleOf(remembered.mean);
  const std = tripleOf(remembered.variance.map(Math.sqrt));
  const range = mean && std && rangeOfStatistics({ mean, std });
  if (!range) return [];
  const text = `The batch norm that the graph starts with has seen values around ${rounded(mean)}`;
  return [{ ...wants('batch_norm', range, text), own: range !== 'symmetric' }];
}

/**
 * A graph that starts with a subtraction and a multiplication gets raw pixels, and so does one whose
 * first operators are called so, or `bn_data`. Constants that tell their range have said so already.
 *
 * Source: python-package/insightface/model_zoo/arcface_onnx.py.
 */
function ofInsightFace({ normalization }: GraphStart, names: readonly string[]): Claim[] {
  const starts = (...words: string[]): boolean =>
    names.slice(0, 8).some((name) => words.some((word) => name.startsWith(word)));
  const named =
    names.slice(0, 3).includes('bn_data') || (starts('Sub', '_minus') && starts('Mul', '_mul'));
  const { mean, std } = normalization;
  const both = mean.some((m) => m !== 0) && std.some((s) => s !== 1);
  const unknown = both && !rangeOfConstants(normalization);
  if (!named && !unknown) return [];
  const text = named
    ? "The graph's first nodes are called like a normalisation of its own"
    : 'The graph starts with a subtraction and a multiplication of its own';
  return [{ source: 'rule', text, front: NOTHING, own: true }];
}

function wants(source: Claim['source'], range: ValueRange, text: string): Claim {
  return { source, text: `${text}, made for ${RANGE_NAMES[range]}`, front: TO_RANGE[range] };
}

const CHAINED: readonly GraphNode['op'][] = ['affine', 'clip', 'conv'];

function chainOf({ input, nodes, output }: Graph): GraphNode[] {
  const chain: GraphNode[] = [];
  const readers = new Map<string, GraphNode | 'several'>();
  for (const node of nodes) {
    for (const name of node.inputs) readers.set(name, readers.has(name) ? 'several' : node);
  }
  for (let value = input.name; value !== output; ) {
    const node = readers.get(value);
    if (!node || node === 'several' || !CHAINED.includes(node.op)) break;
    chain.push(node);
    value = node.name;
  }
  return chain;
}

/** By channel of the input, in f64; constants that were rounded to f32 leave 127.499996. */
function composed(affines: readonly Affine[]): Normalization {
  let scale = [1, 1, 1];
  let shift = [0, 0, 0];
  let turned = false;
  for (const node of affines) {
    const at = (values: Float64Array, c: number): number => values[c] ?? Number.NaN;
    if (node.turns) {
      [scale, shift, turned] = [backwards(scale), backwards(shift), !turned];
    }
    shift = shift.map((t, c) => t * at(node.scale, c) + at(node.shift, c));
    scale = scale.map((s, c) => s * at(node.scale, c));
  }
  if (turned) [scale, shift] = [backwards(scale), backwards(shift)];
  const round = (value: number): number => Number(value.toPrecision(6)) + 0;
  return {
    mean: scale.map((s, c) => round(-(shift[c] as number) / s)) as unknown as PerChannel,
    std: scale.map((s) => round(1 / s)) as unknown as PerChannel,
  };
}

function backwards(values: readonly number[]): number[] {
  return [...values].reverse();
}

function tripleOf(values: Float64Array): PerChannel | undefined {
  return values.length === 3 ? ([...values] as unknown as PerChannel) : undefined;
}

function rounded(values: PerChannel): string {
  return values.map((value) => Number(value.toPrecision(3))).join(', ');
}
