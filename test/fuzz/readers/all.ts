/** Every reader of a file that this project has. */

import type { Reader } from '../reader.ts';
import { datasetReaders } from './datasets.ts';
import { downloadReaders } from './downloads.ts';
import { modelReaders } from './models.ts';
import { pictureReaders } from './pictures.ts';

export function allReaders(): Reader[] {
  return [...modelReaders(), ...pictureReaders(), ...datasetReaders(), ...downloadReaders()];
}
