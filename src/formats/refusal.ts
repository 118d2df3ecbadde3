/**
 * How importers refuse what they do not read: operator, domain and the nearest thing that is read come
 * first, so that they are seen where a message is cut off; the whole list comes last. Where a vector was
 * computed before the refused node, the message names it, for it may well be the embedding.
 */

import { ArcfaceError } from '../errors.ts';
import { nearest } from '../nearest.ts';

export interface UnknownOperator {
  /** 'ONNX', 'MXNet', 'OpenVINO'. */
  readonly format: string;
  readonly operator: string;
  /** Operator set or domain, where the format has them. */
  readonly domain?: string | undefined;
  readonly node: string;
  /** Names of all operators that are read. */
  readonly supported: readonly string[];
  /** What to do about it, where there is more to say. */
  readonly advice?: string | undefined;
}

export function unknownOperator(unknown: UnknownOperator): ArcfaceError {
  const { format, supported, advice } = unknown;
  const operator = unknown.operator.slice(0, 40) || 'without a name';
  const domain = unknown.domain ? ` of ${unknown.domain.slice(0, 30)}` : '';
  const like = nearestOperator(operator, supported);
  const node = JSON.stringify(unknown.node.slice(0, 120));
  const message =
    `${format} operator ${operator}${domain}: expected one like ${like}, got node ${node}; ` +
    `${advice ? `${advice}; ` : ''}those that are read are ${supported.join(', ')}`;
  return new ArcfaceError('unsupported_operator', message);
}

/** The same refusal with the way out: `value` is a vector that was computed before it. */
export function namingEarlierValue(error: ArcfaceError, value: string): ArcfaceError {
  const wayOut = `if the embedding is the value before it, give --value ${JSON.stringify(value)}`;
  return new ArcfaceError(error.code, `${error.message}; ${wayOut}`, { cause: error });
}

/** What an operator does, by its name in any format, and what of that is read, best first. */
const KINDS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(sum|sub|neg|abs|mean|eltwise)/i, ['Add', 'Eltwise', 'elemwise_add']],
  [/norm|^mvn$/i, ['BatchNormalization', 'BatchNorm', 'ScaleShift', 'Multiply']],
  [/pool/i, ['GlobalAveragePool', 'AvgPool', 'Pooling']],
  [/conv/i, ['Conv', 'Convolution']],
  [/elu|swish|silu|mish|softplus|softsign|tanh|erf|exp|log$/i, ['PRelu', 'PReLU', 'LeakyReLU']],
  [/softmax|sigmoid/i, ['Sigmoid', 'sigmoid', 'Activation']],
  [/gemm|matmul|dense|linear|einsum|lstm|gru|rnn|attention/i, ['Gemm', 'MatMul', 'FullyConnected']],
  [/resize|upsampl|interp|crop|slice|strided/i, ['Slice', 'StridedSlice', 'slice', 'Reshape']],
  [/split|stack|chunk|concat|sequence/i, ['Concat', 'concat', 'Reshape']],
  [/where|select|if$|loop|scan|less|greater|equal/i, ['PRelu', 'PReLU', 'LeakyReLU']],
  [/transpose|permute|shape|flatten|gather|scatter|tile/i, ['Reshape', 'Flatten']],
];

function nearestOperator(operator: string, supported: readonly string[]): string {
  for (const [kind, candidates] of KINDS) {
    const found = kind.test(operator) && candidates.find((name) => supported.includes(name));
    if (found) return found;
  }
  // Two letters off says nothing of a short name.
  const spelled = operator.length >= 5 ? nearest(operator, supported) : undefined;
  return spelled ?? supported.find((name) => /^conv/i.test(name)) ?? supported[0] ?? 'none';
}
