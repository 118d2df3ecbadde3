/** Shows under which terms a file may be used and waits for a yes. Refuses to go on without one. */

import { createInterface } from 'node:readline/promises';
import { ArcfaceError } from '../../errors.ts';
import { type Manifest, type PublishedModel, readManifest } from './manifest.ts';

export interface LicenceFlags {
  /** `--accept-licence`. */
  readonly accepted: boolean;
  /** Asks a person; null when there is no terminal. */
  readonly ask: ((question: string) => Promise<string>) | null;
  readonly show: (text: string) => void;
}

export async function requireLicence(
  model: PublishedModel,
  manifest: Manifest,
  { accepted, ask, show }: LicenceFlags,
): Promise<void> {
  show(`${model.name}: ${licenceText(model, manifest)}`);
  if (accepted) return;
  if (ask === null) {
    throw new ArcfaceError(
      'licence',
      `fetch ${model.name}: expected the terms above to be accepted, got no terminal to ask on; add --accept-licence if you accept them`,
    );
  }
  const answer = (await ask('Do you accept these terms? [yes/no] ')).trim().toLowerCase();
  if (answer === 'yes' || answer === 'y') return;
  throw new ArcfaceError('licence', `fetch ${model.name}: the terms were not accepted`);
}

/** The note and where it comes from; weights that are made of the file carry it. */
export function licenceText(model: PublishedModel, manifest: Manifest): string {
  const licence = manifest.licences[model.licence];
  return `${licence?.note ?? ''} (source: ${licence?.source ?? model.source})`;
}

/** The note that belongs to a published file, known by its SHA-256; undefined for any other. */
export async function licenceOfFile(sha256: string): Promise<string | undefined> {
  const manifest = await readManifest();
  const model = manifest.models.find(({ parts }) => parts.some((part) => part.sha256 === sha256));
  return model && licenceText(model, manifest);
}

/** Asks on stderr, so that stdout stays for results; null without a terminal. */
export function terminalAsk(): LicenceFlags['ask'] {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  return async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await lines.question(question);
    } finally {
      lines.close();
    }
  };
}
