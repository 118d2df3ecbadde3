/**
 * What is put in front of a network, in which channel order, and why: the claims of an imported file
 * and the options, the one of the highest rank first. Returns the choice with what it rests on and
 * every claim that says otherwise. Decides nothing that `SOURCES_OF_TRUTH` does not rank.
 */

import type { Imported } from '../formats/imported.ts';
import {
  type Basis,
  type ChannelOrder,
  type Claim,
  certaintyOf,
  formulaOf,
  isNothing,
  type Normalization,
  nameOfSource,
  otherOrder,
  type PerChannel,
  type Preprocessing,
  rankOf,
  reversed,
  uniform,
} from '../graph/preprocessing.ts';

export interface PreprocessingOptions {
  /** What is known of the model beside its file. */
  readonly claims?: readonly Claim[] | undefined;
  /** One number or three, in the channel order that the network was trained on. */
  readonly mean?: number | PerChannel | undefined;
  readonly std?: number | PerChannel | undefined;
  /** Channel order that the network was trained on. */
  readonly trainedOn?: ChannelOrder | undefined;
  /** Channel order the weights shall take; that of the graph if absent. */
  readonly input?: ChannelOrder | undefined;
}

export interface ChosenPreprocessing {
  /** mean and std in the order `trainedOn`. */
  readonly preprocessing: Preprocessing;
  readonly trainedOn: ChannelOrder;
  /** What stands in front of the graph, in the order of the graph's own input. */
  readonly front: Normalization;
  /** Channel order of the graph's own input: the reverse of `trainedOn` if a converter reversed it. */
  readonly graphOrder: ChannelOrder;
  /** Channel order that the weights take. */
  readonly inputOrder: ChannelOrder;
  readonly basis: Basis;
}

type ValueClaim = Claim & { readonly front: Normalization };
type OrderClaim = Claim & { readonly order: ChannelOrder };

const DEFAULT_VALUES: ValueClaim = {
  source: 'default',
  text: 'Nothing says that the graph normalises its input',
  front: { mean: uniform(127.5), std: uniform(127.5) },
  own: false,
};
const DEFAULT_ORDER: OrderClaim = {
  source: 'default',
  text: 'Nothing says which channel order the network was trained on',
  order: 'rgb',
};

export function choosePreprocessing(
  file: Imported,
  options: PreprocessingOptions,
): ChosenPreprocessing {
  const imported = { ...file, claims: [...file.claims, ...(options.claims ?? [])] };
  const order = chooseOrder(imported, options);
  const trainedOn = order.chosen.order;
  const turned = imported.reversedChannels === true;
  const graphOrder = turned ? otherOrder(trainedOn) : trainedOn;
  const values = chooseValues(imported.claims, options, turned);
  const remarks = imported.claims.filter((claim) => !hasFront(claim) && !hasOrder(claim));
  const { front } = values.chosen;
  const own = values.chosen.own ?? imported.claims.some((claim) => claim.own === true);
  return {
    preprocessing: { ...turn(front, turned), own },
    trainedOn,
    front,
    graphOrder,
    inputOrder: options.input ?? graphOrder,
    basis: {
      values: { source: values.chosen.source, because: effectOf(values.chosen) },
      order: { source: order.chosen.source, because: orderSentence(order.chosen, imported) },
      conflicts: [
        ...values.conflicts,
        ...order.conflicts,
        ...remarks.map(({ text }) => `${text}.`),
      ],
    },
  };
}

/** What `convert` prints of a choice, one sentence each. */
export function basisNotes({ values, order, conflicts }: Basis): string[] {
  return [values.because, order.because, ...conflicts];
}

interface Choice<C extends Claim> {
  readonly chosen: C;
  readonly conflicts: readonly string[];
}

/** One of mean and std alone leaves the other at what it would be without options. */
function chooseValues(
  claims: readonly Claim[],
  { mean, std }: PreprocessingOptions,
  turned: boolean,
): Choice<ValueClaim> {
  const ranked = byRank([...claims.filter(hasFront), DEFAULT_VALUES]);
  const [best = DEFAULT_VALUES, ...others] = ranked;
  if (mean === undefined && std === undefined) {
    return { chosen: best, conflicts: conflictsOf(best, others) };
  }
  const inGraph = (value: number | PerChannel): PerChannel => {
    const values = typeof value === 'number' ? uniform(value) : value;
    return turned ? reversed(values) : values;
  };
  const front = {
    mean: mean === undefined ? best.front.mean : inGraph(mean),
    std: std === undefined ? best.front.std : inGraph(std),
  };
  const text = 'Options say what to put in front of the graph';
  const chosen: ValueClaim = { source: 'option', text, front, own: best.own };
  return { chosen, conflicts: conflictsOf(chosen, ranked) };
}

function chooseOrder(imported: Imported, options: PreprocessingOptions): Choice<OrderClaim> {
  const claims = [
    ...orderOptions(imported, options),
    ...imported.claims.filter(hasOrder),
    DEFAULT_ORDER,
  ];
  const [chosen = DEFAULT_ORDER, ...others] = byRank(claims);
  const differing = others.filter(
    ({ source, order }) => source !== 'default' && order !== chosen.order,
  );
  return { chosen, conflicts: differing.map(({ text }) => outranked(chosen, text)) };
}

/** An OpenVINO file that does not say whether channels were reversed is believed to take `input`. */
function orderOptions(
  { format, reversedChannels }: Imported,
  { trainedOn, input }: PreprocessingOptions,
): OrderClaim[] {
  if (trainedOn !== undefined) {
    const text = `--trained-on ${trainedOn}`;
    return [{ source: 'option', text, order: trainedOn }];
  }
  const silent = format === 'openvino' && reversedChannels === undefined;
  if (!silent || input === undefined) return [];
  const text = `The file does not say whether its channels were reversed: --input ${input} counts for both`;
  return [{ source: 'option', text, order: input }];
}

function byRank<C extends Claim>(claims: readonly C[]): C[] {
  return [...claims].sort((a, b) => rankOf(a.source) - rankOf(b.source));
}

function hasFront(claim: Claim): claim is ValueClaim {
  return claim.front !== undefined;
}

function hasOrder(claim: Claim): claim is OrderClaim {
  return claim.order !== undefined;
}

/** 127.5 and 128, 255 and 256: the same range. */
const SAME_MEAN = 1;
const SAME_STD = 0.02;

function contradicts(claim: ValueClaim, chosen: ValueClaim): boolean {
  if (claim.source === 'default') return false;
  const near = (a: PerChannel, b: PerChannel, test: (a: number, b: number) => boolean): boolean =>
    a.every((value, c) => test(value, b[c] as number));
  return !(
    near(claim.front.mean, chosen.front.mean, (a, b) => Math.abs(a - b) <= SAME_MEAN) &&
    near(claim.front.std, chosen.front.std, (a, b) => Math.abs(a / b - 1) <= SAME_STD)
  );
}

function effectOf({ source, text, front, own }: ValueClaim): string {
  if (isNothing(front)) return `${text}: nothing was added.`;
  const like = source === 'default' ? ', as InsightFace does' : '';
  const where = own ? ', in front of what the graph does itself' : '';
  return `${text}: ${formulaOf(front)} was folded in${like}${where}.`;
}

function conflictsOf(chosen: ValueClaim, others: readonly ValueClaim[]): string[] {
  const differing = others.filter((claim) => contradicts(claim, chosen));
  return differing.map(({ text, front }) => {
    const instead = isNothing(front) ? 'nothing to be added' : `${formulaOf(front)} in front`;
    return outranked(chosen, `${text} (${instead})`);
  });
}

function outranked({ source }: Claim, text: string): string {
  return `Outranked by ${nameOfSource(source)}: ${text}.`;
}

function orderSentence(
  { source, text, order }: OrderClaim,
  { reversedChannels }: Imported,
): string {
  const assumed = certaintyOf(source) === 'assumed';
  const taken = `${text}: ${assumed ? 'it is taken for' : 'it is'} ${order.toUpperCase()}`;
  const hint = assumed ? '; --trained-on bgr says otherwise' : '';
  if (reversedChannels !== true) return `${taken}${hint}.`;
  const graph = otherOrder(order).toUpperCase();
  return `${taken}, and its input ${graph}, for the channels are exchanged in the file${hint}.`;
}

function turn({ mean, std }: Normalization, turned: boolean): Normalization {
  return turned ? { mean: reversed(mean), std: reversed(std) } : { mean, std };
}
