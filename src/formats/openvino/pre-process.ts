/**
 * `<pre-process>` of an OpenVINO file: a mean per channel that the runtime subtracts in front of the
 * graph. Receives the section, the `.bin` file and the graph's input; returns the shift and scale
 * per channel. Refuses a mean picture that is no constant, since a graph has no constants per pixel,
 * sections of other inputs, and channels without a mean.
 *
 * Source: openvinotoolkit/openvino, src/frontends/ir/src/input_model.cpp (parse_pre_process).
 */

import { ArcfaceError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import { describe } from '../../graph/limits.ts';
import { bytesOf, lazyTensor } from '../element-types.ts';
import { byteCount } from './ir.ts';
import { childOf, childrenOf, type XmlElement } from './xml.ts';

const WHERE = 'OpenVINO <pre-process>';

export interface PreProcess {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** Empty sections do nothing. */
export function readPreProcess(
  section: XmlElement,
  bin: Uint8Array,
  input: Graph['input'],
): PreProcess | undefined {
  const channels = childrenOf(section, 'channel');
  const reference = section.attributes.get('reference-layer-name')?.trim() ?? '';
  if (channels.every((channel) => !childOf(channel, 'mean') && !childOf(channel, 'scale'))) {
    return undefined;
  }
  if (reference !== '' && reference !== input.name) {
    throw fault(`reference-layer-name ${describe(input.name)}, the input`, reference);
  }
  const [count, height, width] = input.shape;
  const picture = { bin, pixels: height * width };
  const means = new Float64Array(count).fill(Number.NaN);
  channels.forEach((channel, position) => {
    if (childOf(channel, 'scale')) throw fault('a mean per channel', '<scale>');
    const id = Number(channel.attributes.get('id') ?? position);
    if (!(id in means)) throw fault(`channels 0 to ${count - 1}`, channel.attributes.get('id'));
    means[id] = meanOf(childOf(channel, 'mean'), id, picture);
  });
  const missing = means.findIndex(Number.isNaN);
  if (missing >= 0) throw fault(`a mean for each of ${count} channels`, `none for ${missing}`);
  return { scale: new Float64Array(count).fill(1), shift: means.map((mean) => -mean) };
}

interface Picture {
  readonly bin: Uint8Array;
  readonly pixels: number;
}

function meanOf(mean: XmlElement | undefined, id: number, picture: Picture): number {
  const stated = mean?.attributes.get('value');
  if (stated !== undefined) {
    const value = stated.trim() === '' ? Number.NaN : Number(stated);
    if (Number.isFinite(value)) return value;
    throw fault(`a number as mean of channel ${id}`, stated);
  }
  return mean ? pictureMean(mean, id, picture) : Number.NaN;
}

/** A picture of one value is a mean like any other. Its size tells f32 from f16. */
function pictureMean(mean: XmlElement, id: number, { bin, pixels }: Picture): number {
  const where = `<pre-process>, channel ${id}`;
  const offset = byteCount(mean.attributes.get('offset'), where);
  const size = byteCount(mean.attributes.get('size'), where);
  const type = size === bytesOf('f16', pixels) ? 'f16' : 'f32';
  const bytes = bytesOf(type, pixels);
  if (size !== bytes) throw fault(`${bytes} bytes of mean for channel ${id}`, size);
  if (offset + size > bin.length) {
    throw fault(
      `a mean within the ${bin.length} bytes of the .bin file`,
      `${offset}..${offset + size}`,
    );
  }
  const values = lazyTensor(bin.subarray(offset, offset + size), type, [pixels]).read();
  const [first = Number.NaN] = values;
  if (values.every((value) => value === first) && Number.isFinite(first)) return first;
  throw new ArcfaceError(
    'unsupported_operator',
    `${WHERE}: expected one mean for all pixels of channel ${id}, got a mean picture; ` +
      'export the model with mean values instead of a mean file',
  );
}

function fault(expected: string, got: unknown): ArcfaceError {
  return new ArcfaceError('bad_model', `${WHERE}: expected ${expected}, got ${describe(got)}`);
}
