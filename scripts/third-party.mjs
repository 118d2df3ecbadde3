/**
 * Writes THIRD-PARTY-NOTICES.txt and sbom.cdx.json, which travel in the package. Run it when a bundled
 * package changes; test/architecture/third-party.test.ts fails until then.
 *
 *   node scripts/third-party.mjs
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeDocuments } from './third-party/documents.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
for (const [name, text] of Object.entries(await makeDocuments(root))) {
  writeFileSync(join(root, name), text);
}
