/** docs/assurance.md: every promise names tests, and every test it names is there. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/assurance.md', 'utf8');

/** Cells behind the promise, of every row of every table. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| promise'))
  .map((line) => line.split(' | ') as [promise: string, tests: string]);

/** `file`: "title", "title"; ... */
function citationsOf(cell: string): [file: string, title: string][] {
  return [...cell.matchAll(/`(test\/[^`]+)`: ((?:"[^"]+"(?:, )?)+)/g)].flatMap(
    ([, file, titles]) => {
      const quoted = (titles as string).matchAll(/"([^"]+)"/g);
      return [...quoted].map(([, title]): [string, string] => [file as string, title as string]);
    },
  );
}

describe('docs/assurance.md', () => {
  it('has promises, each with a test at least', () => {
    expect(rows.length).toBeGreaterThan(25);
    for (const [promise, tests] of rows)
      expect([promise, citationsOf(tests).length]).not.toContain(0);
  });

  it('names tests that exist, by their titles', () => {
    for (const [file, title] of rows.flatMap(([, tests]) => citationsOf(tests))) {
      expect([file, existsSync(file)]).toEqual([file, true]);
      const source = readFileSync(file, 'utf8');
      const titled = [`'${title}'`, `"${title}"`, `\`${title}\``].some((text) =>
        source.includes(text),
      );
      expect([file, title, titled]).toEqual([file, title, true]);
    }
  });

  it('names no test file without a title', () => {
    const files = [...page.matchAll(/`(test\/[^`]+)`/g)].map(([, file]) => file);
    const cited = rows.flatMap(([, tests]) => citationsOf(tests)).map(([file]) => file);
    const own = 'test/assurance/page.test.ts';
    expect(files.filter((file) => file !== own && !cited.includes(file as string))).toEqual([]);
  });
});
