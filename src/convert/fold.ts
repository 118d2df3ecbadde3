/**
 * Receives a graph as a file states it and returns one with fewer, larger nodes that computes the
 * same values: batch norms and normalisation become weights, biases and padding values, activation
 * and residual ride along with the product before them, and what the engine has no operator for
 * becomes one that it has. All arithmetic is float64; weights are
 * rounded once, when read. Refuses graphs that do not pass validation.
 */

import { ArcfaceError } from '../errors.ts';
import type {
  Activation,
  AddNode,
  AffineNode,
  ClipNode,
  Graph,
  PReluNode,
} from '../graph/graph.ts';
import { validateGraph } from '../graph/validate.ts';
import { DraftGraph } from './draft-graph.ts';
import {
  absorbInFront,
  foldBehind,
  isBareProduct,
  isProduct,
  type Product,
} from './fold-affine.ts';
import { lowerGraph } from './lower.ts';

export interface FoldReport {
  /** Affines folded into the product behind which they stood. */
  affinesBehind: number;
  /** Affines folded into the products in front of which they stood. */
  affinesInFront: number;
  /** Affines that were the identity or became one with their predecessor. */
  affinesMerged: number;
  activations: number;
  residuals: number;
  /** Affines that stay, and why. */
  readonly kept: { readonly name: string; readonly reason: string }[];
  /** The name in the imported graph of the value each node computes. */
  standsFor: ReadonlyMap<string, string>;
}

export interface Folded {
  readonly graph: Graph;
  readonly report: FoldReport;
}

/** `keeps`: whether a product keeps its weights as they are, but for one factor per output. */
export function foldGraph(
  graph: Graph,
  keeps: (product: Product) => boolean = () => false,
): Folded {
  validateGraph(graph);
  const draft = new DraftGraph(lowerGraph(graph));
  const report: FoldReport = {
    affinesBehind: 0,
    affinesInFront: 0,
    affinesMerged: 0,
    activations: 0,
    residuals: 0,
    kept: [],
    standsFor: new Map(),
  };
  draft.removeDead();
  for (const node of draft.each()) {
    if (node.op === 'affine') foldAffine(draft, node, report);
    if (node.op === 'prelu' || node.op === 'clip') foldActivation(draft, node, report);
    if (node.op === 'add') foldResidual(draft, node, report);
  }
  draft.removeDead();
  for (const node of draft.each()) {
    if (node.op === 'affine') foldAffineForward(draft, node, keeps, report);
  }
  const folded = draft.build();
  if (folded.nodes.length === 0) {
    throw new ArcfaceError('bad_model', 'graph: expected a network, got one that does nothing');
  }
  validateGraph(folded);
  report.standsFor = draft.standsFor();
  return { graph: folded, report };
}

/** Into the affine or product before it, in topological order, so chains collapse one by one. */
function foldAffine(draft: DraftGraph, stated: AffineNode, report: FoldReport): void {
  const before = draft.node(stated.inputs[0]);
  const node = before?.op === 'affine' ? composeAffines(before, stated) : stated;
  if (node !== stated) draft.replace(node);
  const isIdentity = node.scale.every((s) => s === 1) && node.shift.every((t) => t === 0);
  const source = draft.node(node.inputs[0]);
  if (isIdentity && (source || draft.output !== node.name)) {
    if (source) draft.merge(node.name, source);
    else draft.bypass(node.name, node.inputs[0] as string);
    report.affinesMerged += 1;
  } else if (isBareProduct(before) && draft.isPrivate(before.name)) {
    draft.merge(node.name, foldBehind(before, node));
    report.affinesBehind += 1;
  } else if (node !== stated) {
    report.affinesMerged += 1;
  }
}

/** The second of two affines, reading what the first reads. */
function composeAffines(first: AffineNode, second: AffineNode): AffineNode {
  const scale = second.scale.map((s, c) => s * (first.scale[c] as number));
  const shift = second.scale.map(
    (s, c) => s * (first.shift[c] as number) + (second.shift[c] as number),
  );
  return { ...second, inputs: first.inputs, scale, shift, remembered: undefined };
}

function foldActivation(draft: DraftGraph, node: PReluNode | ClipNode, report: FoldReport): void {
  const before = draft.node(node.inputs[0]);
  if (!isProduct(before) || before.activation || !draft.isPrivate(before.name)) return;
  const activation: Activation =
    node.op === 'prelu'
      ? { kind: 'prelu', slope: node.slope }
      : { kind: 'clip', min: node.min, max: node.max };
  draft.merge(node.name, { ...before, activation });
  report.activations += 1;
}

/** Into the convolution that runs last, when the other summand is there by then. */
function foldResidual(draft: DraftGraph, node: AddNode, report: FoldReport): void {
  const [a, b] = node.inputs as [string, string];
  for (const [name, residual] of [
    [a, b],
    [b, a],
  ] as const) {
    const conv = draft.node(name);
    if (conv?.op !== 'conv' || !isBareProduct(conv) || a === b) continue;
    if (!draft.isPrivate(name) || !draft.isBefore(residual, name)) continue;
    draft.merge(node.name, { ...conv, inputs: [conv.inputs[0] as string, residual] });
    report.residuals += 1;
    return;
  }
}

function foldAffineForward(
  draft: DraftGraph,
  node: AffineNode,
  keeps: (product: Product) => boolean,
  report: FoldReport,
): void {
  const absorbed = absorbInFront(draft, node, keeps);
  if (typeof absorbed === 'string') {
    report.kept.push({ name: node.name, reason: absorbed });
    return;
  }
  for (const user of draft.usersOf(node.name)) if (user.op === 'flatten') draft.forget(user.name);
  for (const product of absorbed) draft.replace(product);
  draft.bypass(node.name, node.inputs[0] as string);
  report.affinesInFront += 1;
}
