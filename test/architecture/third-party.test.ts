/** The notices and the bill of materials name what is bundled, in the version that is bundled, and travel with it. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMPILED, PACKAGES } from '../../scripts/third-party/components.mjs';
import { makeDocuments } from '../../scripts/third-party/documents.mjs';
import { bundledPackages, readWasm } from '../../scripts/third-party/evidence.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

interface Component {
  name: string;
  version?: string;
  'bom-ref': string;
  licenses: { expression: string }[];
}

describe('THIRD-PARTY-NOTICES.txt and sbom.cdx.json', () => {
  // A bundled package that is new, gone, or of another version throws here, by name.
  it('are what scripts/third-party.mjs makes of what is bundled now', async () => {
    for (const [name, text] of Object.entries(await makeDocuments(root))) {
      expect(read(name) === text, `${name}: run node scripts/third-party.mjs`).toBe(true);
    }
  });

  it('name every bundled package and everything the binaries name', async () => {
    const notices = read('THIRD-PARTY-NOTICES.txt');
    const bom = JSON.parse(read('sbom.cdx.json')) as { components: Component[] };
    const { packages } = await bundledPackages(root);
    expect(packages.length).toBeGreaterThan(1);
    const png = readWasm(root, '@jsquash/png', 'codec/pkg/squoosh_png_bg.wasm');
    expect(png.crates.size).toBeGreaterThan(4);
    for (const name of [...packages, ...png.crates.keys()]) {
      const entry = bom.components.find((component) => component.name === name);
      expect(entry?.version, name).toBeDefined();
      expect(notices).toContain(`${name} ${entry?.version}\n`);
    }
  });

  it('state a licence whose text is there, and a copyright, of each', () => {
    const notices = read('THIRD-PARTY-NOTICES.txt');
    for (const { name, copyright, texts } of [...PACKAGES, ...COMPILED]) {
      expect(copyright, name).toMatch(/\w{3}/);
      expect(notices).toContain(copyright);
      expect(texts.length, name).toBeGreaterThan(0);
    }
    for (const words of [
      'Permission is hereby granted, free of charge',
      'Apache License',
      'Redistributions in binary form must reproduce',
      'based in part on the work of the Independent JPEG Group',
      'LLVM Exceptions',
    ]) {
      expect(notices).toContain(words);
    }
  });

  it('are a valid graph: every reference is a component, every component is reached once', () => {
    const bom = JSON.parse(read('sbom.cdx.json')) as {
      bomFormat: string;
      specVersion: string;
      metadata: { component: Component };
      components: Component[];
      dependencies: { ref: string; dependsOn: string[] }[];
    };
    expect([bom.bomFormat, bom.specVersion]).toEqual(['CycloneDX', '1.6']);
    const refs = bom.components.map((component) => component['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    const reached = bom.dependencies.flatMap(({ dependsOn }) => dependsOn);
    expect(reached.sort()).toEqual([...refs].sort());
    for (const { licenses } of bom.components)
      expect(licenses[0]?.expression).toMatch(/^[\w. -]+$/);
    const { name, version } = JSON.parse(read('package.json')) as { name: string; version: string };
    expect(bom.metadata.component).toMatchObject({ name, version });
  });

  it('are in the package', () => {
    const packed = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
    });
    const [{ files }] = JSON.parse(packed.stdout) as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    for (const name of ['THIRD-PARTY-NOTICES.txt', 'sbom.cdx.json', 'NOTICE', 'LICENSE']) {
      expect(paths).toContain(name);
    }
  });
});
