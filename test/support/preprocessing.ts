/** What a conversion would take an imported file for. */

import { choosePreprocessing } from '../../src/convert/preprocessing.ts';
import type { Imported } from '../../src/formats/imported.ts';

/** Whether its graph normalises by itself. */
export function isOwn(imported: Imported): boolean {
  return choosePreprocessing(imported, {}).preprocessing.own;
}
