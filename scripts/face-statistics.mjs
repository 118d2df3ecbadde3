/**
 * Writes src/convert/evidence/lfw-faces.ts: the statistics of aligned faces that ship, a few hundred numbers
 * over every second picture in folds 4 and 5 of LFW's pairs. What measures the evidence takes its faces from
 * other folds, so from other people.
 *
 *   node scripts/face-statistics.mjs [../shared/data/lfw-folds-1-5.bin]
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cropsOfFolds, LFW_FOLDS } from '../bench/lib/lfw-crops.mjs';
import { measureFaces } from '../dist/convert/evidence/face-statistics.js';

const FILE = 'src/convert/evidence/lfw-faces.ts';
const [path = LFW_FOLDS] = process.argv.slice(2);

const { pictures, mean, covariance, variogram } = measureFaces(await cropsOfFolds(path, [4, 5], 2));
const round = (values) => values.map((value) => Number(value.toFixed(2)));
const statistics = {
  pictures,
  mean: round(mean),
  covariance: round(covariance),
  variogram: variogram.map(round),
};
writeFileSync(
  FILE,
  `/**
 * Statistics of ${pictures} pictures, every second distinct one in folds 4 and 5 of LFW's pairs, aligned to
 * 112x112, by scripts/face-statistics.mjs. Averages over all of them: no picture is in here.
 */

import type { FaceStatistics } from './face-statistics.ts';

export const LFW_FACES: FaceStatistics = ${JSON.stringify(statistics)};
`,
);
execFileSync('npx', ['biome', 'check', '--write', FILE], { stdio: 'inherit' });
