/** What README.md and docs/ state about the code, held against the code. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { THRESHOLDS } from '../src/cli/thresholds.ts';
import { SOURCES_OF_TRUTH } from '../src/graph/preprocessing.ts';
import { alignFace, cosineSimilarity, loadModel } from '../src/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = join(root, 'dist/cli/main.js');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

function runNode(folder: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
  });
  expect({ status, stderr }, args.join(' ')).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** A picture without meaning that differs from pixel to pixel. */
function picture(seed: number) {
  const data = Uint8Array.from({ length: 160 * 120 * 3 }, (_, i) => (i * (seed + i)) % 251);
  return { data, width: 160, height: 120, channels: 'rgb' as const };
}

const landmarksA = [60, 40, 100, 42, 80, 65, 64, 88, 97, 89];
const landmarksB = [55, 45, 98, 41, 78, 66, 62, 90, 99, 86];

describe('the example of README.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'arcface-readme-'));
  beforeAll(() => {
    runNode(folder, main, 'synth', 'mobilefacenet', '--seed', '1', '-o', 'small.onnx');
    runNode(folder, main, 'convert', 'small.onnx', '-o', 'r100.safetensors');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('runs as printed and gives the cosine of the two aligned faces', async () => {
    const code = readme.match(/```js\n([\s\S]*?)```/)?.[1] as string;
    const library = new URL('../dist/index.js', import.meta.url).href;
    const given = [
      `const photoA = ${pictureCode(7)}, photoB = ${pictureCode(40)};`,
      `const landmarksA = ${JSON.stringify(landmarksA)}, landmarksB = ${JSON.stringify(landmarksB)};`,
    ];
    const program = [...given, code.replace("'arcface-wasm'", `'${library}'`)].join('\n');
    writeFileSync(join(folder, 'example.mjs'), program);
    const printed = runNode(folder, 'example.mjs').trim();

    const model = await loadModel(join(folder, 'r100.safetensors'));
    const first = await model.embed(alignFace(picture(7), landmarksA));
    const second = await model.embed(alignFace(picture(40), landmarksB));
    model.dispose();
    expect(printed).toBe(String(cosineSimilarity(first, second)));
    expect(Number(printed)).toBeLessThan(1);
  });

  function pictureCode(seed: number): string {
    return `(${picture.toString()})(${seed})`;
  }
});

describe('README.md', () => {
  it('lists the commands that the command line has, no more and no fewer', () => {
    const section = readme.split('## Command line')[1]?.split('\n## ')[0] ?? '';
    const listed = [...section.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1]);
    const source = readFileSync(join(root, 'src/cli/main.ts'), 'utf8');
    const known = [...(source.match(/COMMANDS = \[(.*?)\]/s)?.[1] ?? '').matchAll(/'(\w+)'/g)];
    expect(listed.sort()).toEqual(known.map((match) => match[1]).sort());
    expect(listed).toContain('convert');
  });

  it('ranks the sources of truth as the code does', () => {
    const page = readFileSync(join(root, 'docs/preprocessing.md'), 'utf8');
    const table = page.split('## Ranks')[1]?.split('\n## ')[0] ?? '';
    const rows = [...table.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)];
    const ranked = SOURCES_OF_TRUTH.map(({ key, certainty }) => [key, certainty]);
    expect(rows.map(([, key, certainty]) => [key, certainty])).toEqual(ranked);
  });

  it('prints the thresholds that compare prints, with the same sources', () => {
    const rows = THRESHOLDS.map((t) => `| ${t.cosine} | ${t.model} | ${t.source} | ${t.stated} |`);
    for (const row of rows) expect(readme).toContain(row);
  });
});

describe('README.md and docs/', () => {
  const pages = ['README.md', 'NOTICE', 'CHANGELOG.md', ...pagesBelow('docs')];

  it.each(pages)('%s names only files that exist', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) =>
      join(dirname(page), match[1] as string),
    );
    const paths = [...text.matchAll(/`((?:src|assembly|test|docs|scripts)\/[\w./-]+\.\w+)`/g)].map(
      (match) => match[1] as string,
    );
    const missing = [...links, ...paths].filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });
});

function pagesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}
