/** If with a condition that is known: the branch that it takes, in its place. */

import { scalarOf } from '../constant.ts';
import type { OperatorImport } from '../context.ts';
import { unsupported, whereOf } from '../refuse.ts';
import { describeValue } from '../values.ts';

export const ifElse: OperatorImport = (node, context) => {
  const condition = context.input(node, 0);
  if (condition.kind !== 'constant') {
    throw unsupported(node, 'a condition that is constant', describeValue(condition));
  }
  const taken = scalarOf(condition.constant, whereOf(node)) !== 0 ? 'then_branch' : 'else_branch';
  const branch = node.attributes.get(taken)?.graph;
  if (!branch) throw unsupported(node, `a graph as ${taken}`, 'none');
  return context.importBranch(branch);
};
