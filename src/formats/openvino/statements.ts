/**
 * What an OpenVINO file says in words about preprocessing: what its converter put into the graph
 * (`meta_data/cli_parameters`, `rt_info/conversion_parameters`), and what an application shall do in front
 * of it (`rt_info/model_info`). Receives the file's root, returns claims. Refuses nothing: what cannot
 * be read states nothing.
 *
 * Source: docs.openvino.ai, "Embedding Preprocessing Computation"; Model API, "model_info".
 */

import {
  type Claim,
  formulaOf,
  type Normalization,
  type PerChannel,
} from '../../graph/preprocessing.ts';
import { channelsIn, claimOfWords, normalizationOf } from '../stated-values.ts';
import { RANGE_NAMES, rangeOfConstants, TO_RANGE } from '../value-range.ts';
import type { XmlElement } from './xml.ts';

/** Values by parameter, as they stand in the file. */
export interface IrStatements {
  readonly converter: ReadonlyMap<string, string>;
  readonly application: ReadonlyMap<string, string>;
}

const KEYS = new Set([
  'mean_values',
  'scale_values',
  'scale',
  'reverse_input_channels',
  'embedded_processing',
]);
const MAX_TEXT = 1024;

export function readStatements(root: XmlElement): IrStatements {
  const converter = new Map<string, string>();
  const application = new Map<string, string>();
  for (const part of root.children) {
    if (part.name === 'meta_data' || part.name === 'rt_info') collect(part, converter, application);
  }
  return { converter, application };
}

/** The first of each key. The reader bounds the depth, so recursion is safe. */
function collect(
  element: XmlElement,
  into: Map<string, string>,
  application: Map<string, string>,
): void {
  for (const child of element.children) {
    if (child.name === 'model_info') collect(child, application, application);
    else collect(child, into, application);
    const value = child.attributes.get('value') ?? child.text;
    if (KEYS.has(child.name) && !into.has(child.name)) {
      into.set(child.name, value.slice(0, MAX_TEXT));
    }
  }
}

/** Whether the converter exchanged the channels of the graph's input; undefined where it does not say. */
export function reversedChannels({ converter }: IrStatements): boolean | undefined {
  return flag(converter.get('reverse_input_channels'));
}

/** `input`: names under which the file may state its values; `graph`: what the graph starts with. */
export function claimsOfStatements(
  { converter, application }: IrStatements,
  input: readonly string[],
  graph: Normalization,
): Claim[] {
  return [...ofConverter(converter, input), ...ofApplication(application, graph)];
}

/** In the graph already: as `Subtract`, in weights, or both. */
function ofConverter(stated: IrStatements['converter'], input: readonly string[]): Claim[] {
  const of = (key: string): PerChannel | undefined => valuesFor(stated.get(key), input);
  const values = normalizationOf(of('mean_values'), of('scale_values') ?? of('scale'));
  if (!values) return [];
  const range = rangeOfConstants(values) ?? 'bytes';
  const words = `The file says that its converter put ${formulaOf(values)} into the graph`;
  const text = `${words}, made for ${RANGE_NAMES[range]}`;
  return [{ source: 'openvino', text, front: TO_RANGE[range], own: true }];
}

/** Left to the application, unless it says that everything is embedded. */
function ofApplication(stated: IrStatements['application'], graph: Normalization): Claim[] {
  const mean = channelsIn(stated.get('mean_values'));
  const std = channelsIn(stated.get('scale_values'));
  const values = normalizationOf(mean, std);
  if (!values) return [];
  const words = 'The file says in model_info how an application has to normalise';
  if (flag(stated.get('embedded_processing')) !== true) {
    return [claimOfWords('metadata', words, values, graph)];
  }
  const text = `${words}, and that it is embedded`;
  return [{ source: 'metadata', text, front: TO_RANGE.bytes, own: true }];
}

/**
 * `data[127.5,127.5,127.5]`, `data[104,117,123],info[1,1,1]`, `[127.5]`, `(127.5,127.5,127.5)`, `127.5`;
 * `()` is nothing. Of several inputs the one that is named so, else the first.
 */
function valuesFor(text: string | undefined, input: readonly string[]): PerChannel | undefined {
  if (text === undefined) return undefined;
  const groups = [...text.matchAll(/([^\s,()[\]]*)\s*[[(]([^()[\]]*)[\])]/g)];
  if (groups.length === 0) return channelsIn(text);
  const own = groups.find(([, name = '']) => input.includes(name)) ?? groups[0];
  return channelsIn(own?.[2]);
}

function flag(text: string | undefined): boolean | undefined {
  if (text && /^(true|1|yes)$/i.test(text)) return true;
  if (text && /^(false|0|no)$/i.test(text)) return false;
  return undefined;
}
