/**
 * What a network wants done to raw pixels, and how that is known. Receives and returns plain data:
 * numbers per channel, and who said so. The sources of truth stand here in one table, by rank.
 */

export type ChannelOrder = 'rgb' | 'bgr';

/** One number for each channel, in the channel order that goes with it. */
export type PerChannel = readonly [number, number, number];

/** (x - mean) / std per channel, x being raw: 0..255. */
export interface Normalization {
  readonly mean: PerChannel;
  readonly std: PerChannel;
}

export interface Preprocessing extends Normalization {
  /** The source's graph normalises by itself, after that. */
  readonly own: boolean;
}

/**
 * Who can say what a network wants; of those that do, the first counts. 'stated' is said in words,
 * 'inferred' follows from the graph's numbers, 'assumed' is a rule where nothing is known.
 * docs/preprocessing.md explains each.
 */
export const SOURCES_OF_TRUTH = [
  { key: 'option', certainty: 'stated', name: 'an option' },
  { key: 'manifest', certainty: 'stated', name: 'the list of published files' },
  { key: 'openvino', certainty: 'stated', name: "the converter's parameters in the file" },
  { key: 'metadata', certainty: 'stated', name: "the file's metadata" },
  { key: 'type', certainty: 'stated', name: "the type of the file's input" },
  { key: 'constants', certainty: 'inferred', name: "the graph's first constants" },
  { key: 'batch_norm', certainty: 'inferred', name: "the graph's first batch norm" },
  { key: 'rule', certainty: 'assumed', name: "InsightFace's rule" },
  { key: 'default', certainty: 'assumed', name: "InsightFace's default" },
] as const;

export type SourceOfTruth = (typeof SOURCES_OF_TRUTH)[number]['key'];
export type Certainty = (typeof SOURCES_OF_TRUTH)[number]['certainty'];

/** What one source says, in words and as far as it goes in numbers. */
export interface Claim {
  readonly source: SourceOfTruth;
  /** A sentence for people, without control characters. */
  readonly text: string;
  /** What has to stand in front of the graph, in the order of the graph's own input. */
  readonly front?: Normalization | undefined;
  /** Whether the graph normalises behind that. */
  readonly own?: boolean | undefined;
  /** Channel order that the network was trained on. */
  readonly order?: ChannelOrder | undefined;
}

/** Why something was taken as it was. */
export interface Reason {
  readonly source: SourceOfTruth;
  /** A sentence for people. */
  readonly because: string;
}

/** What the preprocessing of a converted network rests on; kept in its metadata. */
export interface Basis {
  /** Of mean, deviation and `own`. */
  readonly values: Reason;
  /** Of the channel order. */
  readonly order: Reason;
  /** What sources of a lower rank say otherwise, and what was read and says nothing; a sentence each. */
  readonly conflicts: readonly string[];
}

export const NOTHING: Normalization = { mean: [0, 0, 0], std: [1, 1, 1] };

export function certaintyOf(source: SourceOfTruth): Certainty {
  return entryOf(source).certainty;
}

export function nameOfSource(source: SourceOfTruth): string {
  return entryOf(source).name;
}

/** 0 counts most. */
export function rankOf(source: SourceOfTruth): number {
  return SOURCES_OF_TRUTH.findIndex(({ key }) => key === source);
}

export function uniform(value: number): PerChannel {
  return [value, value, value];
}

/** The same numbers for channels that stand the other way round. */
export function reversed([a, b, c]: PerChannel): PerChannel {
  return [c, b, a];
}

export function otherOrder(order: ChannelOrder): ChannelOrder {
  return order === 'rgb' ? 'bgr' : 'rgb';
}

/** One number where all three are equal: how files and reports write them. */
export function compact(values: PerChannel): number | PerChannel {
  const [first, ...others] = values;
  return others.every((value) => value === first) ? first : values;
}

/** '(x - 127.5) / 127.5', 'x / 255', 'x + 1', 'x - [104, 117, 123]'. */
export function formulaOf({ mean, std }: Normalization): string {
  const operand = (values: PerChannel): string => {
    const short = compact(values);
    return typeof short === 'number' ? `${short}` : `[${short.join(', ')}]`;
  };
  const shared = compact(mean);
  const less = shared === 0 ? 'x' : `x - ${operand(mean)}`;
  const shifted = typeof shared === 'number' && shared < 0 ? `x + ${-shared}` : less;
  if (std.every((s) => s === 1)) return shifted;
  return `${shared === 0 ? 'x' : `(${shifted})`} / ${operand(std)}`;
}

export function isNothing({ mean, std }: Normalization): boolean {
  return mean.every((m) => m === 0) && std.every((s) => s === 1);
}

function entryOf(source: SourceOfTruth): (typeof SOURCES_OF_TRUTH)[number] {
  return SOURCES_OF_TRUTH[rankOf(source)] as (typeof SOURCES_OF_TRUTH)[number];
}
