/**
 * Where every constant lies in the weights region: the file's tensors byte for byte, then the
 * constants that the file does not hold. Receives a network with its tensors' places in the file;
 * returns offsets; touches no memory.
 */

import type { Shape } from '../graph/graph.ts';
import { roundUp } from '../graph/layout.ts';
import type { Network } from '../graph/network.ts';
import { type ExtraConstant, extraConstants } from './constants.ts';

export interface PlacedConstants {
  /** Bytes from the base of the weights region, by name; extra constants included. */
  readonly offsets: ReadonlyMap<string, number>;
  readonly extras: readonly ExtraConstant[];
  /** Where the region ends; a multiple of 64. */
  readonly end: number;
}

/** As far as placing needs it, the header of a weights file. */
interface PlacedTensors {
  readonly network: Network;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly tensors: readonly { readonly name: string; readonly offset: number }[];
  readonly dataBytes: number;
}

/** A cache line, as for the tensors of the file. */
const ALIGNMENT = 64;

export function placeConstants(header: PlacedTensors): PlacedConstants {
  const extras = extraConstants(header.network, header.shapes);
  const offsets = new Map(header.tensors.map(({ name, offset }) => [name, offset]));
  let end = roundUp(header.dataBytes, ALIGNMENT);
  for (const { name, values } of extras) {
    offsets.set(name, end);
    end = roundUp(end + values.length * Float32Array.BYTES_PER_ELEMENT, ALIGNMENT);
  }
  return { offsets, extras, end };
}
