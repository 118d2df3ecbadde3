/**
 * The two documents that travel with a release: the notices, and the bill of materials (CycloneDX 1.6,
 * JSON). Receives the folder of a checkout; returns both as text, the same for the same packages. Throws
 * what does not fit the table of components, all of it at once.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPILED, PACKAGES } from './components.mjs';
import { bundledPackages, readWasm, versionOf } from './evidence.mjs';

export async function makeDocuments(root) {
  const problems = await problemsOf(root);
  if (problems.length > 0) {
    throw new Error(
      `scripts/third-party/components.mjs:\n  ${problems.join('\n  ')}\n` +
        'Look at the licence of what has changed, correct the table, run node scripts/third-party.mjs',
    );
  }
  return { 'THIRD-PARTY-NOTICES.txt': notices(root), 'sbom.cdx.json': billOfMaterials(root) };
}

/** Every difference between the table and what is bundled. */
async function problemsOf(root) {
  const problems = [];
  const expect = (what, expected, got) => {
    if (expected !== got) problems.push(`${what}: expected ${expected}, got ${got}`);
  };
  const found = await bundledPackages(root);
  expect(
    'bundled packages',
    PACKAGES.map(({ name }) => name)
      .sort()
      .join(),
    found.packages.join(),
  );
  const listed = PACKAGES.filter(({ wasm }) => wasm).map(
    ({ name, wasm }) => `${name}/${wasm.path}`,
  );
  expect('bundled WebAssembly', listed.sort().join(), found.wasm.join());
  for (const { name, version, wasm } of PACKAGES) {
    expect(name, version, versionOf(root, name));
    if (wasm) problems.push(...wasmProblems(root, name, wasm));
  }
  return problems;
}

function wasmProblems(root, name, { path, sha256 }) {
  const problems = [];
  const wasm = readWasm(root, name, path);
  if (wasm.sha256 !== sha256)
    problems.push(`${name}/${path}: expected SHA-256 ${sha256}, got ${wasm.sha256}`);
  const inside = COMPILED.filter((component) => component.inside === name);
  const known = new Map(inside.map((component) => [component.name, component.version]));
  for (const [crate, version] of wasm.crates) {
    if (known.get(crate) !== version) {
      problems.push(
        `${name}: ${crate} ${version} is in ${path}, the table says ${known.get(crate) ?? 'nothing'}`,
      );
    }
  }
  for (const { name: part, version, seen } of inside) {
    const shows =
      seen === 'crate'
        ? wasm.crates.get(part) === version
        : seen === 'processed-by'
          ? wasm.tools.get(part) === version
          : seen === undefined || wasm.text.includes(seen);
    if (!shows) problems.push(`${name}: ${part} ${version ?? ''} does not show in ${path}`);
  }
  return problems;
}

const all = () => [...PACKAGES, ...COMPILED];

function notices(root) {
  const files = [...new Set(all().flatMap(({ texts }) => texts))];
  const numberOf = (file) => files.indexOf(file) + 1;
  const entries = all().map((component) => {
    const { name, version, licence, under, copyright, url, texts, inside } = component;
    return [
      `${name}${version ? ` ${version}` : ''}`,
      `  ${licence}${under ? `, taken under ${under}` : ''}; text ${texts.map(numberOf).join(' and ')} below`,
      `  ${copyright}`,
      `  ${url}${inside ? ` (compiled into ${inside})` : ''}`,
    ].join('\n');
  });
  const texts = files.map(
    (file) => `${'='.repeat(98)}\nText ${numberOf(file)}\n\n${textOf(root, file)}`,
  );
  return [
    'Third-party notices of arcface-wasm',
    '',
    'dist/image/codecs.js, which the command line loads to read picture files, contains the following software,',
    'unmodified. The library itself contains none. The same list for programs: sbom.cdx.json (CycloneDX).',
    '',
    'This software is based in part on the work of the Independent JPEG Group.',
    '',
    entries.join('\n\n'),
    '',
    texts.join('\n'),
  ].join('\n');
}

function textOf(root, file) {
  const text = readFileSync(join(root, file), 'utf8').replace(/\r\n/g, '\n');
  return `${text.replace(/[ \t]+$/gm, '').trim()}\n`;
}

function billOfMaterials(root) {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const ref = `pkg:npm/${own.name}@${own.version}`;
  const refOf = (name) => purlOf(PACKAGES.find((one) => one.name === name));
  const bom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'library',
        'bom-ref': ref,
        name: own.name,
        version: own.version,
        description: own.description,
        licenses: [{ license: { id: own.license } }],
        purl: ref,
      },
    },
    components: all().map((component) => entryOf(component, lock)),
    dependencies: [
      { ref, dependsOn: PACKAGES.map(purlOf) },
      ...PACKAGES.map(({ name }) => ({
        ref: refOf(name),
        dependsOn: COMPILED.filter(({ inside }) => inside === name).map(purlOf),
      })),
    ],
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
}

function entryOf(component, lock) {
  const { name, version, licence, copyright, url, wasm, seen, stated } = component;
  const integrity = lock.packages[`node_modules/${name}`]?.integrity;
  const notes = [
    ...(wasm ? [{ name: `sha256 of ${wasm.path}`, value: wasm.sha256 }] : []),
    ...(seen && !wasm ? [{ name: 'evidence', value: 'named in the binary' }] : []),
    ...(stated ? [{ name: 'stated by', value: stated }] : []),
  ];
  return {
    type: 'library',
    'bom-ref': purlOf(component),
    name,
    ...(version ? { version } : {}),
    ...(integrity ? { hashes: [hashOf(integrity)] } : {}),
    licenses: [{ expression: licence }],
    copyright,
    purl: purlOf(component),
    externalReferences: [{ type: 'website', url }],
    ...(notes.length > 0 ? { properties: notes } : {}),
  };
}

function purlOf({ name, version, purl }) {
  return purl ?? `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** `sha512-<base64>` of a lock file as CycloneDX has it. */
function hashOf(integrity) {
  const [algorithm, base64] = integrity.split('-');
  return {
    alg: algorithm.replace(/^sha/, 'SHA-'),
    content: Buffer.from(base64, 'base64').toString('hex'),
  };
}
