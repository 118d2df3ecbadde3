/** How messages name a node, operator and domain first, and how a node is refused. */

import { ArcfaceError } from '../../errors.ts';
import type { OnnxNode } from './model.ts';

export function whereOf(node: OnnxNode): string {
  const name = node.name || node.outputs[0] || '';
  const domain = node.domain ? `${node.domain.slice(0, 30)}:` : '';
  return `ONNX ${domain}${node.opType.slice(0, 40)} ${JSON.stringify(name.slice(0, 120))}`;
}

export function unsupported(node: OnnxNode, expected: string, got: string): ArcfaceError {
  return new ArcfaceError(
    'unsupported_operator',
    `${whereOf(node)}: expected ${expected}, got ${got}`,
  );
}

/** The name of a node's first value. */
export function outputOf(node: OnnxNode): string {
  return node.outputs[0] ?? '';
}
