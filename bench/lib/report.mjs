/** Tables for people, JSON for machines. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

/**
 * Prints rows under a title; numbers stand to the right.
 *
 * @param {[string, (row: any) => string | number | undefined][]} columns heading and cell
 */
export function printTable(title, columns, rows) {
  const cells = rows.map((row) => columns.map(([, cell]) => String(cell(row) ?? '')));
  const widths = columns.map(([heading], i) =>
    Math.max(heading.length, ...cells.map((line) => line[i].length)),
  );
  const isNumber = columns.map((_, i) => cells.every((line) => /^[-\d.,%x ]*$/.test(line[i])));
  const print = (line) =>
    console.log(
      line
        .map((text, i) => (isNumber[i] ? text.padStart(widths[i]) : text.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    );
  console.log(`\n${title}`);
  print(columns.map(([heading]) => heading));
  print(widths.map((width) => '-'.repeat(width)));
  for (const line of cells) print(line);
}

/** bench/results/<name>-node<major>.json */
export function writeResult(name, run, result) {
  mkdirSync(RESULTS, { recursive: true });
  const major = run.runtime.version.split('.')[0];
  const path = `${RESULTS}${name}-node${major}.json`;
  const text = JSON.stringify({ bench: name, ...run, ...result }, rounded, 1);
  writeFileSync(path, `${joinNumbers(text)}\n`);
  return path;
}

/** Six digits are more than any clock gives. */
function rounded(_key, value) {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(6))
    : value;
}

/** Lists of numbers on one line. */
function joinNumbers(json) {
  return json.replace(/\[\s+(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\s+\]/g, (_, numbers) => {
    return `[${numbers.replace(/\s+/g, ' ')}]`;
  });
}

export const ms = (value) => (value === undefined ? '' : value.toFixed(value < 10 ? 2 : 1));
export const gmacs = (macs, milliseconds) => (macs / milliseconds / 1e6).toFixed(1);
export const times = (ratio) => (ratio === undefined ? '' : `${ratio.toFixed(2)}x`);
export const percent = (share) => `${(share * 100).toFixed(0)} %`;
export const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0);
