/**
 * Affines (batch norms, input normalisation) into the products beside them, exactly, in float64.
 *
 *   behind   s * (W x + b) + t            = (s W) x + (s b + t)
 *   in front W (s x + t) + b              = (W s) x + (b + W t)
 *
 * In front of a padded convolution the second line holds at the border only if the padding, which
 * used to be added after the affine, still arrives there as its old value p: the new one is
 * (p - t) / s, so that s * pad + t = p. How small s may be: docs/numerics.md.
 */

import type { AffineNode, ConvNode, FcNode, GraphNode } from '../graph/graph.ts';
import { sizeOf } from '../graph/limits.ts';
import type { DraftGraph } from './draft-graph.ts';
import { contractWeight, scaleWeight } from './scaled-weight.ts';

/**
 * Largest magnitude of a padding value. The error of folding does not grow with it (W s shrinks as
 * the padding value grows) until W s reaches the constants that are cleaned to 0 at 1e-30.
 */
export const MAX_PAD_VALUE = 1e15;

export type Product = ConvNode | FcNode;

export function isProduct(node: GraphNode | undefined): node is Product {
  return node?.op === 'conv' || node?.op === 'fc';
}

/** A product whose sum can still be scaled: nothing has been added to it or done with it. */
export function isBareProduct(node: GraphNode | undefined): node is Product {
  return isProduct(node) && node.activation === undefined && node.inputs.length === 1;
}

/** The product that computes affine(product). */
export function foldBehind(product: Product, { scale, shift }: AffineNode): Product {
  const { bias } = product;
  return {
    ...product,
    weight: scaleWeight(product.weight, groupOf(product), { outputs: scale }),
    bias: shift.map((t, o) => t + (bias?.[o] ?? 0) * (scale[o] as number)),
  };
}

/** The product that computes product(affine), its first input being the affine's input. */
export function foldInFront(product: Product, { scale, shift }: AffineNode): Product {
  const group = groupOf(product);
  const added = contractWeight(product.weight, group, shift, product.name);
  const { bias } = product;
  const folded = {
    weight: scaleWeight(product.weight, group, { inputs: scale }),
    bias: added.map((value, o) => value + (bias?.[o] ?? 0)),
  };
  if (product.op === 'fc') return { ...product, ...folded };
  return { ...product, ...folded, padValue: padValueInFront(product, scale, shift) };
}

/** Whether `foldInFront` is exact and stays within f32, or why not. */
export function refusalInFront(product: Product, { scale, shift }: AffineNode): string | undefined {
  if (product.op === 'fc') return undefined;
  const pads = padValueInFront(product, scale, shift);
  const channel = pads?.findIndex((value) => !(Math.abs(value) <= MAX_PAD_VALUE)) ?? -1;
  if (channel < 0) return undefined;
  return (
    `scale[${channel}] = ${scale[channel]} is too small against shift ${shift[channel]}: ` +
    `the padding value would be ${pads?.[channel]}`
  );
}

/** undefined where padding stays 0 or there is none. */
function padValueInFront(
  conv: ConvNode,
  scale: Float64Array,
  shift: Float64Array,
): Float64Array | undefined {
  if (conv.pads.every((n) => n === 0)) return undefined;
  const values = scale.map((s, c) => {
    const missing = (conv.padValue?.[c] ?? 0) - (shift[c] as number);
    return missing === 0 ? 0 : missing / s;
  });
  return values.some((value) => value !== 0) ? values : undefined;
}

/**
 * The products that can take over `affine`, as they would look; a string says why it has to stay.
 * All of them or none: an affine that one user still needs is computed anyway.
 */
export function absorbInFront(
  draft: DraftGraph,
  affine: AffineNode,
  keeps: (product: Product) => boolean,
): Product[] | string {
  if (affine.name === draft.output) return 'it is the output';
  const absorbed: Product[] = [];
  for (const user of draft.usersOf(affine.name)) {
    const targets = user.op === 'flatten' ? draft.usersOf(user.name) : [user];
    const seen = user.op === 'flatten' ? flattened(draft, affine, user.name) : affine;
    const from = user.op === 'flatten' ? user.name : affine.name;
    if (from === draft.output) return 'its flattened form is the output';
    for (const target of targets) {
      if (!isProduct(target) || target.inputs.indexOf(from, 1) >= 0) {
        return `${target.op} ${JSON.stringify(target.name)} needs its value`;
      }
      if (keeps(target))
        return `${JSON.stringify(target.name)} keeps its 8-bit weights and their scales`;
      const refusal = refusalInFront(target, seen);
      if (refusal) return refusal;
      absorbed.push(foldInFront(target, seen));
    }
  }
  return absorbed;
}

/** The same affine behind the flatten: one factor per feature, C-major. */
function flattened(draft: DraftGraph, affine: AffineNode, flatten: string): AffineNode {
  const fc = draft.usersOf(flatten).find((user) => user.op === 'fc');
  const features = fc ? sizeOf(fc.weight.shape.slice(1)) : affine.scale.length;
  const pixels = features / affine.scale.length;
  const spread = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: features }, (_, k) => values[Math.floor(k / pixels)] as number);
  return { ...affine, scale: spread(affine.scale), shift: spread(affine.shift) };
}

function groupOf(product: Product): number {
  return product.op === 'conv' ? product.group : 1;
}
