/**
 * A path -> the files of one model, each read once, and the importer that fits them. MXNet and
 * OpenVINO models are two files: either may be named, or the directory that holds them; so may an ONNX
 * model and its external data. Refuses missing partners, more than one candidate, and weights that are
 * converted already.
 */

import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ArcfaceError } from '../errors.ts';
import type { Imported } from '../formats/imported.ts';
import { importMxnet } from '../formats/mxnet/import.ts';
import { externalFilesOf, importOnnx } from '../formats/onnx/import.ts';
import { importOpenvino } from '../formats/openvino/import.ts';
import { zipEntryNames } from './fetch/zip-directory.ts';
import { ioError, naming, readBytes, readHead } from './files.ts';
import { foreignFile, foreignFolder } from './foreign-files.ts';
import {
  A_MODEL,
  HEAD_BYTES,
  KIND_NAMES,
  type ModelKind,
  modelKind,
  refused,
  refuseStandIn,
} from './model-kind.ts';
import { recognitionNetworks } from './packs.ts';
import { readWeightsHeader } from './weights-header.ts';

export interface ImportOptions {
  /** Which value of the graph is the embedding. */
  readonly output?: string | undefined;
}

export interface ModelFiles {
  readonly format: Imported['format'];
  /** Paths of all files read. */
  readonly paths: readonly string[];
  /**
   * Name, without folders, of the file that holds the weights; and that file's hash, in hex. Of several
   * the first name, and the hash of all in the order of their names, one after the other.
   */
  readonly sourceName: string;
  readonly sourceSha256: string;
  /** Hash of the file that holds the graph, where that is another. */
  readonly graphSha256?: string;
  /** Size of all files together. */
  readonly bytes: number;
  import(options?: ImportOptions): Imported;
}

interface OpenFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Holds the files' bytes in memory as long as the result, or a graph imported from it, lives. */
export async function openModelFiles(path: string): Promise<ModelFiles> {
  const main = (await isDirectory(path)) ? await mainFileIn(path) : path;
  const kind = await kindOfFile(main);
  if (kind === 'openvino-bin') await requireOpenvino(main);
  if (kind === 'weights') throw await alreadyConverted(main);
  const file = await open(main);
  switch (kind) {
    case 'onnx':
      return onnxFiles(file);
    case 'onnx-data':
      return onnxFiles(await partner(file.path, modelOfData(file.path)), file);
    case 'mxnet-params':
      return mxnetFiles(await partner(file.path, await symbolFor(file.path)), file);
    case 'mxnet-symbol':
      return mxnetFiles(file, await partner(file.path, await paramsFor(file.path)));
    case 'openvino-xml':
      return openvinoFiles(file, await partner(file.path, sibling(file.path, '.bin')));
    case 'openvino-bin':
      return openvinoFiles(await partner(file.path, sibling(file.path, '.xml')), file);
  }
}

/** By the first bytes: nothing large is read to be refused. */
export async function kindOfFile(path: string, wanted = A_MODEL): Promise<ModelKind> {
  const { bytes, size } = await readHead(path, HEAD_BYTES);
  return modelKind(bytes, path, { size, wanted, entries: await entriesOf(path, bytes) });
}

async function entriesOf(path: string, head: Uint8Array): Promise<string[] | undefined> {
  const isZip = head[0] === 0x50 && head[1] === 0x4b;
  return isZip ? zipEntryNames(path) : undefined;
}

/** What the file is, where it is a safetensors file of any program. */
async function alreadyConverted(path: string): Promise<ArcfaceError> {
  await readWeightsHeader(path).catch((cause: unknown) => {
    if (!(cause instanceof ArcfaceError)) throw cause;
    throw new ArcfaceError('bad_model', `${path}: ${cause.message}`, { cause });
  });
  return new ArcfaceError(
    'bad_model',
    `${path}: expected a model to convert, got converted weights (safetensors); ` +
      'use them as they are, with `embed` or `loadModel`',
  );
}

/** Many programs call raw numbers .bin; what is no IR is known by its neighbours or its content. */
async function requireOpenvino(path: string): Promise<void> {
  const folder = await list(dirname(path));
  if (folder.includes(basename(sibling(path, '.xml')))) return;
  if (folder.includes(basename(sibling(path, '.param')))) {
    throw refused(
      path,
      'OpenVINO weights',
      'ncnn weights; take the ONNX or MXNet file that they were made of',
    );
  }
  const { bytes: head } = await readHead(path, HEAD_BYTES);
  const foreign = foreignFile({ head, path, entries: await entriesOf(path, head) });
  if (foreign === undefined) return;
  const isDataset = foreign.what.includes('pickle');
  const advice = isDataset ? '`evaluate` takes an lfw.bin, behind the weights' : foreign.advice;
  throw refused(path, 'OpenVINO weights with their .xml beside them', `${foreign.what}; ${advice}`);
}

/** `known`: external data that was read already. */
async function onnxFiles(model: OpenFile, known?: OpenFile): Promise<ModelFiles> {
  requireKind(model, 'onnx');
  const folder = dirname(model.path);
  const locations = await naming(model.path, () => externalFilesOf(model.bytes));
  const external = new Map<string, Uint8Array>();
  const data: OpenFile[] = [];
  for (const location of locations) {
    const path = join(folder, location);
    const file = known && path === join(known.path) ? known : await partner(model.path, path);
    refuseStandIn(file.bytes, file.path);
    external.set(location, file.bytes);
    data.push(file);
  }
  const [sources, graph] = data.length > 0 ? [data, model] : [[model], undefined];
  return filesOf('onnx', sources, graph, ({ output }) =>
    importOnnx(model.bytes, { output, external }),
  );
}

/** `model.onnx.data`, `model.onnx_data` and `model.data` belong to `model.onnx`. */
function modelOfData(path: string): string {
  return `${path.replace(/(\.onnx)?[._]data$/i, '')}.onnx`;
}

function mxnetFiles(symbol: OpenFile, params: OpenFile): ModelFiles {
  requireKind(symbol, 'mxnet-symbol');
  requireKind(params, 'mxnet-params');
  return filesOf('mxnet', [params], symbol, ({ output }) =>
    importMxnet(symbol.bytes, params.bytes, { output }),
  );
}

function openvinoFiles(xml: OpenFile, bin: OpenFile): ModelFiles {
  requireKind(xml, 'openvino-xml');
  requireKind(bin, 'openvino-bin');
  return filesOf('openvino', [bin], xml, (options) =>
    importOpenvino(xml.bytes, bin.bytes, options),
  );
}

function filesOf(
  format: Imported['format'],
  sources: readonly OpenFile[],
  graph: OpenFile | undefined,
  importWith: (options: ImportOptions) => Imported,
): ModelFiles {
  const files = graph ? [graph, ...sources] : sources;
  return {
    format,
    paths: files.map((file) => file.path),
    sourceName: basename(sources[0]?.path ?? ''),
    sourceSha256: sha256Of(sources),
    ...(graph && { graphSha256: sha256Of([graph]) }),
    bytes: files.reduce((sum, file) => sum + file.bytes.length, 0),
    import: (options = {}) => importWith(options),
  };
}

function sha256Of(files: readonly OpenFile[]): string {
  const hash = createHash('sha256');
  for (const { bytes } of files) hash.update(bytes);
  return hash.digest('hex');
}

async function open(path: string): Promise<OpenFile> {
  return { path, bytes: await readBytes(path) };
}

function requireKind(file: OpenFile, kind: ModelKind): void {
  const got = modelKind(file.bytes, file.path);
  if (got !== kind) throw refused(file.path, KIND_NAMES[kind], KIND_NAMES[got]);
}

export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw ioError(path, 'a model file', cause);
  }
}

/** The file to start from: of a pair, the one that names the other. */
async function mainFileIn(directory: string): Promise<string> {
  const names = await list(directory);
  const params = names.filter((name) => /\.params$/i.test(name));
  const models = names.filter((name) => /\.(onnx|xml)$/i.test(name));
  const found = [...params, ...models];
  const networks = recognitionNetworks(found);
  if (found.length > 1 && networks.length === 1) {
    const which = `name its recognition network, ${join(directory, networks[0] as string)}`;
    throw refused(directory, 'one model', `a pack of ${found.length}; ${which}`);
  }
  const other = found.length === 0 ? foreignFolder(names) : undefined;
  if (other !== undefined) throw refused(directory, MODELS, `${other.what}; ${other.advice}`);
  return only(directory, found, MODELS);
}

const MODELS = 'one model (.onnx, .params, .xml)';

/** `model-0000.params` belongs to `model-symbol.json`; failing that, to the only symbol around. */
async function symbolFor(params: string): Promise<string> {
  const directory = dirname(params);
  const names = await list(directory);
  const symbols = names.filter((name) => /-symbol\.json$/i.test(name));
  const prefix = basename(params).replace(/(-\d+)?\.params$/i, '');
  const exact = symbols.find((name) => name === `${prefix}-symbol.json`);
  return exact ? join(directory, exact) : only(directory, symbols, '*-symbol.json', params);
}

/** `model-symbol.json` belongs to `model-<epoch>.params`, of which there must be one. */
async function paramsFor(symbol: string): Promise<string> {
  const directory = dirname(symbol);
  const params = (await list(directory)).filter((name) => /\.params$/i.test(name));
  const prefix = basename(symbol).replace(/-symbol\.json$|\.json$/i, '');
  const own = params.filter((name) => name.replace(/(-\d+)?\.params$/i, '') === prefix);
  return only(directory, own.length > 0 ? own : params, '*.params', symbol);
}

/** `beside`: the file that a partner is looked for. */
function only(
  directory: string,
  names: readonly string[],
  expected: string,
  beside?: string,
): string {
  const [name] = names;
  if (name !== undefined && names.length === 1) return join(directory, name);
  const where = beside ?? directory;
  const what = beside === undefined ? expected : `one ${expected} beside it`;
  const got =
    names.length === 0 ? 'none' : `${names.slice(0, 5).join(', ')}; name the one you mean`;
  throw new ArcfaceError('io', `${where}: expected ${what}, got ${got}`);
}

async function partner(path: string, other: string): Promise<OpenFile> {
  try {
    return await open(other);
  } catch (cause) {
    throw new ArcfaceError(
      'io',
      `${path}: expected ${basename(other)} beside it, got none that can be read; ` +
        'the model consists of both files',
      { cause },
    );
  }
}

function sibling(path: string, ending: string): string {
  return join(dirname(path), `${basename(path).replace(/\.[^.]*$/, '')}${ending}`);
}

async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (cause) {
    throw ioError(directory, 'a readable directory', cause);
  }
}
