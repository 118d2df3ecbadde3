/** Damage to XML, element by element and attribute by attribute: most of it is XML again. */

import type { Random } from '../../support/graphs.ts';
import { mutateBytes } from './bytes.ts';
import { below, type Mutator, NUMBER_TEXTS, pick } from './choose.ts';

type TokenChange = (tokens: string[], random: Random) => void;

export const mutateXml: Mutator = (bytes, random) => {
  const tokens = new TextDecoder().decode(bytes).match(/<[^>]*>|[^<]+/g);
  if (tokens === null || tokens.length < 2) return mutateBytes(bytes, random);
  pick(random, CHANGES)(tokens, random);
  return new TextEncoder().encode(tokens.join(''));
};

const changeAttribute: TokenChange = (tokens, random) => {
  const at = someTag(tokens, random);
  const attributes = [...(tokens[at] as string).matchAll(/([\w-]+)="([^"]*)"/g)];
  if (attributes.length === 0) return;
  const [whole = '', key = '', value = ''] = pick(random, attributes);
  tokens[at] = (tokens[at] as string).replace(whole, () => changed(key, value, random));
};

function changed(key: string, value: string, random: Random): string {
  const number = pick(random, NUMBER_TEXTS);
  const parts = value.split(',');
  parts[below(random, parts.length)] = number;
  return pick(random, [
    ...[`${key}="${parts.join(',')}"`, `${key}="${parts.join(',')}"`, `${key}="${number}"`, ''],
    ...[
      `${key}=""`,
      `${key}="${value}" ${key}="${number}"`,
      `${key}="&#x0;${value}"`,
      `${key}='${value}`,
    ],
    `${key}="${Array(300).fill(value).join(',')}"`,
  ]);
}

const dropElement: TokenChange = (tokens, random) => {
  const [from, to] = element(tokens, random);
  tokens.splice(from, to - from);
};

const repeatElement: TokenChange = (tokens, random) => {
  const [from, to] = element(tokens, random);
  const copies = pick(random, [1, 1, 2, 100]);
  const own = tokens.slice(from, to);
  if (own.length * copies > 20_000) return;
  tokens.splice(from, 0, ...Array.from({ length: copies }, () => own).flat());
};

const moveElement: TokenChange = (tokens, random) => {
  const [from, to] = element(tokens, random);
  const own = tokens.splice(from, to - from);
  tokens.splice(below(random, tokens.length + 1), 0, ...own);
};

/** The text of one leaf takes the place of another's. */
const changeText: TokenChange = (tokens, random) => {
  const leaves = tokens.flatMap((token, i) => (token.startsWith('<') || !token.trim() ? [] : [i]));
  if (leaves.length === 0) return;
  const [at, from] = [pick(random, leaves), pick(random, leaves)];
  tokens[at] = pick(random, [tokens[from] as string, pick(random, NUMBER_TEXTS)]);
};

const JUNK = [
  ...['<!-- ', '<!--x-->', '<![CDATA[', '<![CDATA[<]]>', ']]>', '<?xml version="1.1"?>', '</net>'],
  ...['<!DOCTYPE net [<!ENTITY a "aaaa">]>', '&a;', '&amp;', '&#65;', '<', '>', '<net', '\u0000'],
  ...['<a>'.repeat(50), '<a>'.repeat(5000), '</a>'.repeat(50), '<a/>'.repeat(500)],
];

const insertJunk: TokenChange = (tokens, random) => {
  tokens.splice(below(random, tokens.length + 1), 0, pick(random, JUNK));
};

const CHANGES: readonly TokenChange[] = [
  ...[changeAttribute, changeAttribute, changeAttribute, changeText],
  ...[dropElement, repeatElement, moveElement, insertJunk],
];

function someTag(tokens: readonly string[], random: Random): number {
  const tags = tokens.flatMap((token, i) => (/^<\w/.test(token) ? [i] : []));
  return tags.length === 0 ? 0 : pick(random, tags);
}

/** The tokens of one element, from its tag to its end. */
function element(tokens: readonly string[], random: Random): readonly [from: number, to: number] {
  const from = someTag(tokens, random);
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i] as string;
    if (/^<\w/.test(token) && !token.endsWith('/>')) depth++;
    if (token.startsWith('</')) depth--;
    if (depth <= 0) return [from, i + 1];
  }
  return [from, from + 1];
}
