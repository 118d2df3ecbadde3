/** Imports point one way, and only the outermost layers name the platform they run on. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Layers from the bottom up, each with exactly the layers it imports: all of them stand above it in this
 * list. A file at the top of src/ is a layer of its own, and so is the worker's program, which nobody
 * imports. What is allowed and not used is struck off.
 */
const LAYERS: readonly (readonly [layer: string, imports: readonly string[]])[] = [
  ['printable', []],
  ['describe', []],
  ['nearest', []],
  ['errors', ['printable']],
  ['guard', ['describe', 'errors']],
  ['similarity', ['describe', 'errors', 'guard']],
  ['graph', ['errors', 'printable']],
  ['image', ['describe', 'errors', 'guard', 'nearest']],
  ['reference', ['errors', 'graph']],
  ['evaluate', ['errors']],
  ['formats', ['errors', 'graph', 'nearest', 'printable']],
  ['dataset', ['errors', 'formats']],
  ['synth', ['errors', 'formats']],
  ['convert', ['errors', 'formats', 'graph']],
  ['compile', ['graph']],
  ['runtime', ['describe', 'errors', 'guard']],
  [
    'engine',
    [
      'compile',
      'describe',
      'errors',
      'formats',
      'graph',
      'guard',
      'image',
      'nearest',
      'runtime',
      'similarity',
    ],
  ],
  ['worker', ['engine']],
  ['api', ['engine', 'errors', 'image', 'runtime', 'similarity']],
  ['entries', ['api', 'engine', 'runtime']],
  ['index', ['entries']],
  [
    'cli',
    [
      'compile',
      'convert',
      'dataset',
      'engine',
      'entries',
      'errors',
      'evaluate',
      'formats',
      'graph',
      'image',
      'nearest',
      'printable',
      'similarity',
      'synth',
    ],
  ],
];

/** The only files of runtime/, engine/ and image/ that name a module of Node, a package, or a global. */
const NODE_MODULES = ['src/runtime/node.ts', 'src/runtime/worker.ts'];
const PACKAGES = ['src/image/codecs.ts'];
const GLOBALS = ['src/runtime/web.ts'];

const WORKER = join('src', 'runtime', 'worker.ts');
const PLATFORM_NAMES =
  /(?<![\w'"`-]|(?<!\bglobalThis)\.)(?:process|Deno|Bun|Buffer|__dirname|require|navigator)\??[.(]/;

interface Import {
  readonly file: string;
  readonly layer: string;
  /** 'formats', 'node:fs', '@jsquash/png/...'. */
  readonly target: string;
  /** The imported file, where it is one of src/. */
  readonly path: string;
}

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith(`runtime${sep}binaries`))
    .map((path) => join(folder, path));
}

function layerOf(path: string): string {
  if (path === WORKER) return 'worker';
  return (path.split(sep)[1] as string).replace(/\.ts$/, '');
}

/** Code without comments: prose may name what code may not. */
function codeOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
    .replace(/\/\*.*?\*\//gs, '')
    .replace(/(^|\s)\/\/.*$/gm, '');
}

function specifiersOf(code: string): string[] {
  const patterns = [/\bfrom '([^']+)'/g, /\bimport\(\s*'([^']+)'/g, /^import '([^']+)'/gm];
  return patterns.flatMap((one) => [...code.matchAll(one)].map((hit) => hit[1] as string));
}

function importsOf(file: string): string[] {
  return specifiersOf(codeOf(file));
}

const files = filesUnder('src');
const imports: Import[] = files.flatMap((file) =>
  importsOf(file).map((specifier) => {
    const path = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : '';
    return { file, layer: layerOf(file), target: path ? layerOf(path) : specifier, path };
  }),
);

/** Imports of types vanish: an implementation may name the contract that loads it. */
const TYPE_IMPORT = /^(?:import|export) type [^;]*;/gm;

const targets = new Map(
  files.map((file) => {
    const code = codeOf(file).replace(TYPE_IMPORT, '');
    const relative = specifiersOf(code).filter((specifier) => specifier.startsWith('.'));
    return [file, relative.map((specifier) => normalize(join(dirname(file), specifier)))];
  }),
);

/** `start` if a chain of imports leads back to it. */
function cycleFrom(start: string): string[] {
  const next = (file: string): string[] => targets.get(file) ?? [];
  const reached = new Set(next(start));
  for (const file of reached) for (const path of next(file)) reached.add(path);
  return reached.has(start) ? [start] : [];
}

function filesOf(these: readonly Import[]): string[] {
  return [...new Set(these.map(({ file }) => file.split(sep).join('/')))].sort();
}

function violations(isWrong: (one: Import) => boolean): string[] {
  return imports.filter(isWrong).map(({ file, target }) => `${file} imports ${target}`);
}

describe('imports', () => {
  it('are found', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThan(300);
  });

  it('point one way between the layers of src/, and are exactly those that are listed', () => {
    const order = LAYERS.map(([layer]) => layer);
    expect([...new Set(files.map(layerOf))].sort()).toEqual([...order].sort());
    const found = (layer: string): string[] => {
      const all = imports.filter((one) => one.layer === layer && one.target !== layer);
      return [...new Set(all.map(({ target }) => target))].filter((one) => order.includes(one));
    };
    for (const [place, [layer, allowed]] of LAYERS.entries()) {
      expect(found(layer).sort(), layer).toEqual([...allowed]);
      const upwards = allowed.filter((target) => order.indexOf(target) >= place);
      expect(upwards, layer).toEqual([]);
    }
  });

  it('never lead back to the file they start from', () => {
    expect(files.flatMap(cycleFrom)).toEqual([]);
  });

  it('leave the worker to whoever starts it', () => {
    expect(violations(({ path }) => path === WORKER)).toEqual([]);
    expect(violations(({ layer }) => layer === 'worker')).toEqual([
      `${WORKER} imports node:worker_threads`,
      `${WORKER} imports engine`,
    ]);
  });

  it('name modules of Node only in cli/ and two files of runtime/', () => {
    const naming = imports.filter(
      ({ layer, target }) => target.startsWith('node:') && layer !== 'cli',
    );
    expect(filesOf(naming)).toEqual(NODE_MODULES);
  });

  it('name packages only in the picture codecs, which are bundled', () => {
    const naming = imports.filter(({ path, target }) => path === '' && !target.startsWith('node:'));
    expect(filesOf(naming)).toEqual(PACKAGES);
  });

  it('keep assembly/ to itself', () => {
    const wrong = filesUnder('assembly').flatMap((file) =>
      importsOf(file)
        .filter((specifier) => !normalize(join(dirname(file), specifier)).startsWith('assembly'))
        .map((specifier) => `${file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('globals of a platform', () => {
  it('are named only in cli/ and the adapters', () => {
    const naming = files.filter(
      (file) => layerOf(file) !== 'cli' && PLATFORM_NAMES.test(codeOf(file)),
    );
    expect(naming.map((file) => file.split(sep).join('/')).sort()).toEqual(GLOBALS);
  });
});
