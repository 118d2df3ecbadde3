/** `fetch`: a published file of the model family, verified, unpacked and converted. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { choiceOption, parseArguments, usage } from '../args.ts';
import type { Command } from '../command.ts';
import { megabytes } from '../fetch/disk.ts';
import { type FetchedModel, fetchModel } from '../fetch/fetch-model.ts';
import { requireLicence, terminalAsk } from '../fetch/licence.ts';
import { findModel, type Manifest, type PublishedModel, readManifest } from '../fetch/manifest.ts';
import { startProgress } from '../progress.ts';

const OPTIONS = {
  'accept-licence': { type: 'boolean' },
  url: { type: 'string' },
  dir: { type: 'string' },
  keep: { type: 'boolean' },
  'no-convert': { type: 'boolean' },
  dtype: { type: 'string' },
  json: { type: 'boolean' },
  manifest: { type: 'string' },
} as const;

export const fetch: Command = {
  name: 'fetch',
  summary: 'a published model: download, check, convert',
  usage: `arcface-wasm fetch [<name>] [options]

Without a name: lists what is published, with licence, size and whether an address is known. With a
name: shows the licence note, downloads (an interrupted download goes on), checks the SHA-256, and
converts to <dir>/<name>.safetensors. Files that it made on the way are removed in the end; one that you
put into <dir> stays.

  --accept-licence     accept the terms without being asked
  --dir <folder>       where files go; default weights
  --url <address>      take the file from there; its size and hash must be the published ones
  --keep               keep what was downloaded and unpacked
  --no-convert         only download and unpack
  --dtype <f32|f16|int8>  passed on to convert
  --json               the list as one JSON document
  --manifest <file>    another list of published files`,

  async run(args) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const [name, ...more] = positionals;
    if (more.length > 0) throw usage(`fetch: expected one name, got ${positionals.length}`);
    const manifest = await readManifest(values.manifest);
    if (name === undefined) {
      console.log(values.json ? JSON.stringify(manifest.models, null, 2) : listModels(manifest));
      return;
    }
    const dtype = choiceOption('dtype', values.dtype, ['f32', 'f16', 'int8']);
    const model = findModel(manifest, name);
    const folder = values.dir ?? 'weights';
    const output = join(folder, `${model.name}.safetensors`);
    const converts = model.convert !== null && !values['no-convert'];
    if (converts && existsSync(output)) {
      console.log(`${output} is already there; remove it to fetch it again`);
      return;
    }
    const show = (text: string): void => console.error(text);
    const accepted = values['accept-licence'] ?? false;
    await requireLicence(model, manifest, { accepted, ask: terminalAsk(), show });
    const fetched = await fetchWithProgress(model, folder, values.url);
    if (!converts) {
      console.log([...fetched.downloads, ...fetched.unpacked].join('\n'));
      if (model.convert === null && model.notes !== null) console.error(model.notes);
      return;
    }
    await convertFetched(join(folder, model.convert ?? ''), output, dtype);
    if (!values.keep) for (const path of fetched.made) await rm(path, { force: true });
  },
};

async function fetchWithProgress(
  model: PublishedModel,
  folder: string,
  url: string | undefined,
): Promise<FetchedModel> {
  const progress = startProgress(model.name);
  try {
    return await fetchModel(model, {
      folder,
      url,
      onProgress: (loaded, total) => progress.update(loaded, total),
      onNote: (text) => {
        progress.end();
        console.error(text);
      },
    });
  } finally {
    progress.end();
  }
}

async function convertFetched(
  source: string,
  output: string,
  dtype: string | undefined,
): Promise<void> {
  const { convert } = await import('./convert.ts');
  await convert.run([source, '-o', output, ...(dtype === undefined ? [] : ['--dtype', dtype])]);
}

function listModels(manifest: Manifest): string {
  const lines = manifest.models.flatMap((model) => {
    const bytes = model.parts.reduce((sum, part) => sum + part.bytes, 0);
    const best = model.accuracy[0];
    const figure = best === undefined ? '' : `, ${best.dataset} ${best.percent} % as published`;
    return [
      model.name,
      `  ${model.summary}`,
      `  ${model.framework}, ${megabytes(bytes)}, ${model.embedding} numbers${figure}`,
      `  address: ${addressOf(model)}`,
      ...(model.notes === null ? [] : [`  ${model.notes}`]),
    ];
  });
  const licences = Object.values(manifest.licences).map(({ note }) => `- ${note}`);
  return [...lines, '', 'Licence notes:', ...licences].join('\n');
}

/** The best that is known: an address nobody has disproved, one that has ended, or why there is none. */
function addressOf(model: PublishedModel): string {
  const [part] = model.parts;
  const order = ['unverified', 'ended', 'dead'] as const;
  const sorted = order.flatMap((s) => part?.urls.filter((mirror) => mirror.status === s) ?? []);
  const [best] = sorted;
  if (best === undefined) return 'none';
  const host = best.url === null ? '' : ` at ${new URL(best.url).host}`;
  return `${best.status}${host}: ${best.note}`;
}
