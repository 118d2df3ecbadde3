/** The header of a weights file on disk; no more of it is read. Refuses what the reader of headers does. */

import {
  headerBytesNeeded,
  parseWeightsHeader,
  type WeightsHeader,
} from '../formats/safetensors.ts';
import { readHead } from './files.ts';

export async function readWeightsHeader(path: string): Promise<WeightsHeader> {
  const { bytes: head, size } = await readHead(path, 8);
  const { bytes } = await readHead(path, headerBytesNeeded(head, size));
  return parseWeightsHeader(bytes, size);
}
