/** Imports point one way, and only the outermost layers name the platform they run on. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Layers that each layer of src/ may import; a file at the top of src/ is a layer of its own. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  describe: [],
  printable: [],
  errors: ['printable'],
  similarity: ['errors'],
  graph: ['errors', 'printable'],
  synth: ['errors', 'formats'],
  formats: ['errors', 'printable', 'graph'],
  convert: ['errors', 'graph', 'formats'],
  compile: ['graph'],
  image: ['describe', 'errors'],
  reference: ['errors', 'graph'],
  dataset: ['errors', 'formats'],
  evaluate: ['errors'],
  runtime: ['describe', 'errors', 'engine'],
  engine: ['describe', 'errors', 'graph', 'formats', 'compile', 'image', 'runtime', 'similarity'],
  index: ['errors', 'engine', 'image', 'runtime', 'similarity'],
};

const PLATFORM_LAYERS = new Set(['cli', 'runtime']);
const PLATFORM_NAMES =
  /(?<![\w.'"`-])(?:process|Deno|Bun|Buffer|__dirname|require|navigator)(?:\.|\()/;

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

function violations(isWrong: (one: Import) => boolean): string[] {
  return imports.filter(isWrong).map(({ file, target }) => `${file} imports ${target}`);
}

describe('imports', () => {
  it('are found', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThan(300);
  });

  it('point one way between the layers of src/', () => {
    const layers = new Set(files.map(layerOf));
    expect([...layers].filter((layer) => layer !== 'cli' && !ALLOWED[layer])).toEqual([]);
    const wrong = violations(({ layer, target }) => {
      const inside = layers.has(target) && target !== layer && layer !== 'cli';
      return inside && !ALLOWED[layer]?.includes(target);
    });
    expect(wrong).toEqual([]);
  });

  it('never lead back to the file they start from', () => {
    expect(files.flatMap(cycleFrom)).toEqual([]);
  });

  it('reach engine from runtime only in the worker, whose loop is the run', () => {
    const reaching = imports.filter((one) => one.layer === 'runtime' && one.target === 'engine');
    const callers = [...new Set(reaching.map((one) => one.file))];
    for (const file of callers) expect(file).toMatch(/worker|browser|node/);
  });

  it('reach the modules of the library from the command line, not the bundle of its entry', () => {
    expect(violations(({ layer, target }) => layer === 'cli' && target === 'index')).toEqual([]);
  });

  it('never reach the command line from the library', () => {
    expect(violations(({ layer, target }) => target === 'cli' && layer !== 'cli')).toEqual([]);
  });

  it('name modules of Node only in cli/ and runtime/', () => {
    const wrong = violations(
      ({ layer, target }) => target.startsWith('node:') && !PLATFORM_LAYERS.has(layer),
    );
    expect(wrong).toEqual([]);
  });

  it('name packages only in the picture codecs, which are bundled', () => {
    const wrong = violations(
      ({ file, target }) =>
        /^@?[a-z]/.test(target) &&
        !target.startsWith('node:') &&
        !files.some((one) => layerOf(one) === target) &&
        file !== join('src', 'image', 'codecs.ts'),
    );
    expect(wrong).toEqual([]);
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
  it('are named only in cli/, runtime/ and engine/', () => {
    const free = files.filter((file) => !['cli', 'runtime', 'engine'].includes(layerOf(file)));
    const wrong = free.flatMap((file) => {
      const hit = PLATFORM_NAMES.exec(codeOf(file));
      return hit ? [`${file}: ${hit[0]}`] : [];
    });
    expect(wrong).toEqual([]);
  });
});
