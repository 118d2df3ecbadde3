/**
 * What `metadata_props` of an ONNX file say about its input: the keys that ONNX defines for pictures, and
 * mean, deviation and channel order under the names that exporters use. Receives text, returns claims;
 * what it does not know says nothing.
 *
 * Source: onnx/onnx, docs/MetadataProps.md.
 */

import { type ChannelOrder, type Claim, otherOrder } from '../../graph/preprocessing.ts';
import type { GraphStart } from '../graph-start.ts';
import { channelsIn, claimOfWords, normalizationOf } from '../stated-values.ts';
import { TO_RANGE, type ValueRange } from '../value-range.ts';

const FORMATS: Readonly<Record<string, ChannelOrder>> = {
  rgb: 'rgb',
  rgb8: 'rgb',
  rgba8: 'rgb',
  bgr: 'bgr',
  bgr8: 'bgr',
  bgra8: 'bgr',
};
const RANGES: Readonly<Record<string, ValueRange>> = {
  nominalrange_0_255: 'bytes',
  normalized_0_1: 'unit',
  normalized_1_1: 'symmetric',
};

/** Keys in lower case, without separators. */
const MEAN = /^(|input|image|pixel|norm|normalize|preprocess)means?(values?)?$/;
const STD = /^(|input|image|pixel|norm|normalize|preprocess)stds?(values?)?$/;
const ORDER = /^(|input|image|pixel)(channelorder|colou?rorder|colou?rformat|colou?rspace|order)$/;

export function claimsOfMetadata(
  metadata: ReadonlyMap<string, string>,
  { normalization, reversesChannels }: GraphStart,
): Claim[] {
  const claims: Claim[] = [];
  for (const [key, value] of metadata) claims.push(...ofPicture(key, value, reversesChannels));
  const mean = entryOf(metadata, MEAN);
  const std = entryOf(metadata, STD);
  const stated = normalizationOf(channelsIn(mean?.[1]), channelsIn(std?.[1]));
  if (stated) {
    const keys = [mean, std].flatMap((entry) => (entry ? [`${entry[0]} ${entry[1]}`] : []));
    claims.push(
      claimOfWords('metadata', `The file states ${keys.join(' and ')}`, stated, normalization),
    );
  }
  return claims;
}

/** What is stated is the order of the input: the network's own is the other one behind an exchange. */
function ofPicture(key: string, value: string, reverses: boolean): Claim[] {
  const text = `The file states ${key} ${value}`;
  const word = value.trim().toLowerCase();
  if (key === 'Image.NominalPixelRange') {
    const range = Object.hasOwn(RANGES, word) ? RANGES[word] : undefined;
    return range ? [{ source: 'metadata', text, front: TO_RANGE[range] }] : [];
  }
  const isOrder = key === 'Image.BitmapPixelFormat' || ORDER.test(plain(key));
  const order = isOrder && Object.hasOwn(FORMATS, word) ? FORMATS[word] : undefined;
  return order ? [{ source: 'metadata', text, order: reverses ? otherOrder(order) : order }] : [];
}

function entryOf(
  metadata: ReadonlyMap<string, string>,
  pattern: RegExp,
): readonly [string, string] | undefined {
  return [...metadata].find(([key]) => pattern.test(plain(key)));
}

function plain(key: string): string {
  return key.toLowerCase().replace(/[^a-z]/g, '');
}
