/** `fetch`: a published file of the model family, verified, unpacked and converted. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArcfaceError } from '../../errors.ts';
import type { Dtype } from '../../graph/dtype.ts';
import { type Claim, formulaOf, uniform } from '../../graph/preprocessing.ts';
import { parseArguments, usage } from '../args.ts';
import type { Command } from '../command.ts';
import {
  type ConversionSummary,
  conversionText,
  convertFile,
  dtypeOption,
  type ModelChoice,
  modelChoice,
  PREPROCESSING_OPTIONS,
} from '../conversion.ts';
import { megabytes } from '../fetch/disk.ts';
import { type FetchedModel, fetchModel, makeFolder, requireFitting } from '../fetch/fetch-model.ts';
import { licenceText, requireLicence, terminalAsk } from '../fetch/licence.ts';
import { withLock } from '../fetch/lock.ts';
import { findModel, type Manifest, type PublishedModel, readManifest } from '../fetch/manifest.ts';
import { isFileThere } from '../fetch/own-file.ts';
import { startProgress } from '../progress.ts';
import { jsonText, rowName } from '../text.ts';
import { readWeightsHeader } from '../weights-header.ts';

const OPTIONS = {
  'accept-licence': { type: 'boolean' },
  url: { type: 'string', multiple: true },
  sha256: { type: 'string' },
  dir: { type: 'string' },
  keep: { type: 'boolean' },
  'no-convert': { type: 'boolean' },
  dtype: { type: 'string' },
  json: { type: 'boolean' },
  manifest: { type: 'string' },
  ...PREPROCESSING_OPTIONS,
} as const;

export const fetch: Command = {
  name: 'fetch',
  summary: 'a published model: download, check, convert',
  usage: `arcface-wasm fetch [<name>] [options]

Without a name: lists what is published, with licence, size and whether an address is known. With a
name: shows the licence note, downloads (an interrupted download goes on), checks the SHA-256, and
converts to <dir>/<name>.safetensors. Files that it made on the way are removed in the end; one that you
put into <dir> stays, and none is ever replaced. Two fetches of one model wait for each other.

  --accept-licence     accept the terms without being asked
  --dir <folder>       where files go; default weights
  --url <address>      take the file from there; its size and hash must be the published ones. Once
                       for each of the model's files, in their order
  --sha256 <hex>       the SHA-256 that those who publish the file state, for a model whose hash in
                       this list is marked as unverified
  --keep               keep what was downloaded and unpacked
  --no-convert         only download and unpack
  --dtype <f32|f16|q8> how weights are stored
  --mean, --std, --trained-on, --input  as for convert; without them the published channel order counts,
                       and what the file says
  --json               the list, or what was done, as one JSON document
  --manifest <file>    another list of published files`,

  async run(args) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const [name, ...more] = positionals;
    if (more.length > 0) throw usage(`fetch: expected one name, got ${positionals.length}`);
    const dtype = dtypeOption(values.dtype);
    const manifest = await readManifest(values.manifest);
    if (name === undefined) {
      console.log(values.json ? jsonText(manifest.models, 2) : listModels(manifest));
      return;
    }
    const model = findModel(manifest, name);
    const agree = (): Promise<void> =>
      requireLicence(model, manifest, {
        accepted: values['accept-licence'] ?? false,
        ask: terminalAsk(),
        show: (text) => console.error(text),
      });
    const sha256 = values.sha256?.toLowerCase();
    const flags = { ...values, urls: values.url, sha256, dtype, choice: modelChoice(values) };
    const result = await fetchOne(model, licenceText(model, manifest), agree, flags);
    console.log(values.json ? jsonText(result, 2) : textOf(result));
    if (model.convert === null && model.notes !== null) console.error(model.notes);
  },
};

/** What `--json` prints of one model. */
interface Result {
  readonly name: string;
  /** 'present': the weights were there already, nothing was done. */
  readonly state: 'present' | 'fetched' | 'converted';
  /** What is in the folder now. */
  readonly files: readonly string[];
  readonly conversion: ConversionSummary | null;
  readonly licence: string;
}

function textOf({ state, files, conversion }: Result): string {
  const names = files.map(rowName);
  if (state === 'present') return `${names[0]} is already there; remove it to fetch it again`;
  return conversion === null ? names.join('\n') : conversionText(conversion);
}

interface FetchFlags {
  readonly dir?: string | undefined;
  readonly urls?: readonly string[] | undefined;
  readonly sha256?: string | undefined;
  readonly keep?: boolean | undefined;
  readonly dtype: Dtype;
  readonly choice: ModelChoice;
  readonly 'no-convert'?: boolean | undefined;
}

/** `agree` returns when the licence is accepted. */
async function fetchOne(
  model: PublishedModel,
  licence: string,
  agree: () => Promise<void>,
  flags: FetchFlags,
): Promise<Result> {
  requireFitting(model, flags);
  const { name } = model;
  const folder = flags.dir ?? 'weights';
  const suffix = flags.dtype === 'f32' ? '' : `-${flags.dtype}`;
  const output = join(folder, `${name}${suffix}.safetensors`);
  const source = model.convert === null || flags['no-convert'] ? null : join(folder, model.convert);
  const present = { name, state: 'present', files: [output], conversion: null, licence } as const;
  if (source !== null && (await isConverted(output))) return present;
  await agree();
  await makeFolder(folder);
  const note = (text: string): void => console.error(`${name}: ${text}`);
  return withLock(join(folder, `.${name}.lock`), note, async (): Promise<Result> => {
    // Another process may have done it meanwhile.
    if (source !== null && (await isConverted(output))) return present;
    for (const part of flags.sha256 === undefined ? model.parts : []) {
      if (part.unverified !== undefined) note(unverifiedNote(part.unverified));
    }
    const fetched = await fetchWithProgress(model, folder, flags);
    const files = [...fetched.downloads, ...fetched.unpacked];
    if (source === null) return { name, state: 'fetched', files, conversion: null, licence };
    const { dtype, choice } = flags;
    const claims = publishedClaims(model);
    const conversion = { ...choice, claims, output, licence, dtype };
    const { summary } = await convertFile(source, conversion);
    const removed = new Set(flags.keep ? [] : fetched.made);
    for (const path of removed) await rm(path, { force: true });
    const kept = files.filter((path) => !removed.has(path));
    return { name, state: 'converted', files: [output, ...kept], conversion: summary, licence };
  });
}

/** Said before a download whose hash nobody vouches for who made the file. */
function unverifiedNote(who: string): string {
  return (
    `its size and SHA-256 are unverified (${who}); a file that differs is kept aside and not used, ` +
    'and --sha256 takes the hash that its authors state'
  );
}

/** Are the weights there? Throws 'io' if something else has their name. */
async function isConverted(path: string): Promise<boolean> {
  if (!(await isFileThere(path))) return false;
  try {
    await readWeightsHeader(path);
    return true;
  } catch (cause) {
    const message = `${path}: expected no such file or the weights, got a file with other content; move it away`;
    throw new ArcfaceError('io', message, { cause });
  }
}

/** Nothing of a list that does not say. */
function publishedClaims({ name, inputOrder: order, preprocessing }: PublishedModel): Claim[] {
  const source = 'manifest';
  const claims: Claim[] = [];
  if (order !== null) claims.push({ source, text: `${name} is published with this order`, order });
  if (preprocessing === null) return claims;
  const front = { mean: uniform(preprocessing.mean), std: uniform(preprocessing.std) };
  const text = `${name} is published for ${formulaOf(front)}`;
  return [...claims, { source, text, front, own: false }];
}

async function fetchWithProgress(
  model: PublishedModel,
  folder: string,
  { urls, sha256 }: FetchFlags,
): Promise<FetchedModel> {
  const progress = startProgress(model.name);
  try {
    return await fetchModel(model, {
      folder,
      urls,
      sha256,
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

function listModels(manifest: Manifest): string {
  const lines = manifest.models.flatMap((model) => {
    const bytes = model.parts.reduce((sum, part) => sum + part.bytes, 0);
    const numbers = model.embedding === null ? '' : `, ${model.embedding} numbers`;
    const best = model.accuracy[0];
    const figure = best === undefined ? '' : `, ${best.dataset} ${best.percent} % as published`;
    return [
      model.name,
      `  ${model.summary}`,
      `  ${model.framework}, ${megabytes(bytes)}${numbers}${figure}`,
      `  commercial use: ${commercialUse(model, manifest)}`,
      `  address: ${addressOf(model)}`,
      ...model.parts.flatMap(({ unverified }) => {
        return unverified === undefined ? [] : [`  size and SHA-256 unverified: ${unverified}`];
      }),
      ...(model.notes === null ? [] : [`  ${model.notes}`]),
    ];
  });
  const licences = Object.entries(manifest.licences).map(([key, { note }]) => `- ${key}: ${note}`);
  return [...lines, '', 'Licence notes:', ...licences].join('\n');
}

/** As the authors' statement has it; the note says it in full. */
function commercialUse({ licence }: PublishedModel, manifest: Manifest): string {
  const allowed = manifest.licences[licence]?.commercialUse ?? null;
  const word = allowed === null ? 'stated differently by its sources' : allowed ? 'yes' : 'no';
  return `${word}, see ${licence} below`;
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
