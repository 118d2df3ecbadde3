/**
 * Cosines by which `convert --check` knows a broken conversion: of a face and itself upside down, and of two
 * different people, for trained networks fed rightly and wrongly and for seeded ones. 40 crops of LFW each.
 * Not a timing.
 *
 *   node bench/alike.mjs
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkWeights } from '../dist/cli/check.js';
import { convertModel } from '../dist/convert/convert.js';
import { candidatesWith } from '../dist/convert/evidence/candidates.js';
import { importOnnx } from '../dist/formats/onnx/import.js';
import { synthesize } from '../dist/synth/architectures.js';
import { onnxOfSynth } from '../dist/synth/onnx.js';
import { publishedNetworks } from './evidence/networks.mjs';
import { cropsOfFolds, LFW_FOLDS } from './lib/lfw-crops.mjs';

const FORMS = candidatesWith({ order: 'rgb', mean: [0, 0, 0], std: [1, 1, 1] });
const SEEDED = ['mobilefacenet', 'r18', 'r34', 'r50'];
const SOURCE = { name: 'bench', sha256: '0'.repeat(64) };

const folder = mkdtempSync(join(tmpdir(), 'arcface-alike-'));
const file = join(folder, 'weights.safetensors');

/** `form` stands in front of the graph. */
async function check(graph, { order, mean, std }, crops) {
  const imported = { graph, format: 'onnx', formatDetail: 'bench', claims: [], notes: [] };
  const { header, chunks } = convertModel(imported, {
    mean,
    std,
    trainedOn: order,
    source: SOURCE,
  });
  writeFileSync(file, Buffer.concat([header, ...chunks()]));
  return checkWeights(file, crops);
}

function print(name, form, { upsideDown, different, verdict }) {
  console.log(
    `| ${name} | ${form} | ${upsideDown.toFixed(3)} | ${different.toFixed(3)} | ${verdict} |`,
  );
}

if (!existsSync(LFW_FOLDS)) {
  console.error(`skipped: ${LFW_FOLDS} is absent`);
  process.exit(0);
}
const crops = await cropsOfFolds(LFW_FOLDS, [1, 2, 3], 57);
console.log('| network | is fed | upside down | two people | verdict |\n|---|---|---|---|---|');
try {
  for (const { name, graph, truth } of publishedNetworks()) {
    if (!/without|fr_feature|ir-tiny/.test(name)) continue;
    for (const form of truth ? FORMS : FORMS.slice(0, 1)) {
      const fed = `${form.name}, ${form.order.toUpperCase()}`;
      print(name, fed, await check(graph, form, crops));
    }
  }
  for (const architecture of SEEDED) {
    const { graph } = importOnnx(
      Buffer.concat([...onnxOfSynth(synthesize(architecture, 1), 'zoo')]),
    );
    print(`${architecture}, seeded`, 'as stated', await check(graph, FORMS[0], crops));
  }
} finally {
  rmSync(folder, { recursive: true });
}
