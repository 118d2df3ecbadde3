/**
 * The part of XML that OpenVINO's files use: elements, attributes, text, entities, comments, CDATA.
 * Bytes -> a tree of bounded size and depth. Refuses document types (and with them every entity that
 * could grow), and whatever is not well-formed, with its line.
 *
 * Own reader because importers run in library code, which has no dependencies.
 */

import { ArcfaceError } from '../../errors.ts';
import { printable } from '../../printable.ts';

export interface XmlElement {
  readonly name: string;
  /** Without control characters: names are printed. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Text directly inside, entities replaced, trimmed. */
  readonly text: string;
}

const WHERE = 'OpenVINO .xml';
const MAX_BYTES = 2 ** 26;
/** An R100 has about 30,000. */
const MAX_ELEMENTS = 300_000;
const MAX_DEPTH = 32;
const MAX_ATTRIBUTES = 128;

const NAME = '[A-Za-z_][\\w.:-]{0,255}';
const OPEN_TAG = new RegExp(`<(${NAME})`, 'y');
const CLOSE_TAG = new RegExp(`</(${NAME})\\s*>`, 'y');
const ATTRIBUTE = new RegExp(`\\s+(${NAME})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'y');
const TAG_END = /\s*(\/?)>/y;
const ENTITY = /&(#x[\da-fA-F]{1,6}|#\d{1,7}|lt|gt|amp|quot|apos);|&/g;
const NAMED: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();
const NO_CHILDREN: readonly XmlElement[] = [];

interface Open {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  children?: XmlElement[];
  text?: string[];
}

/** The root element of a document. */
export function readXml(bytes: Uint8Array): XmlElement {
  return new XmlReader(decode(bytes)).document();
}

export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

function decode(bytes: Uint8Array): string {
  if (bytes.length > MAX_BYTES) throw fault(`at most ${MAX_BYTES} bytes`, `${bytes.length}`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ArcfaceError('bad_model', `${WHERE}: expected UTF-8 text, got other bytes`, {
      cause,
    });
  }
}

class XmlReader {
  private readonly source: string;
  private at = 0;
  private elements = 0;
  private readonly open: Open[] = [];
  private root: XmlElement | undefined;

  constructor(source: string) {
    this.source = source;
  }

  document(): XmlElement {
    while (this.at < this.source.length) {
      if (this.source.charCodeAt(this.at) === 0x3c) this.markup();
      else this.characters();
    }
    if (this.open.length > 0)
      throw this.error(`</${this.open.at(-1)?.name}>`, 'the end of the file');
    if (!this.root) throw this.error('an element', 'the end of the file');
    return this.root;
  }

  private markup(): void {
    const { source, at } = this;
    if (source.startsWith('<!--', at)) this.skipPast('-->', 4);
    else if (source.startsWith('<?', at)) this.skipPast('?>', 2);
    else if (source.startsWith('<![CDATA[', at)) this.append(this.skipPast(']]>', 9));
    else if (source.startsWith('<!', at)) throw this.error('no document type', 'one');
    else if (source.startsWith('</', at)) this.close();
    else this.start();
  }

  private characters(): void {
    const next = this.source.indexOf('<', this.at);
    const end = next < 0 ? this.source.length : next;
    const raw = this.source.slice(this.at, end);
    if (raw.trim() !== '') this.append(this.unescape(raw));
    this.at = end;
  }

  private append(text: string): void {
    const parent = this.open.at(-1);
    if (!parent) throw this.error('an element', 'text outside of any');
    parent.text ??= [];
    parent.text.push(text);
  }

  private start(): void {
    if (this.root) throw this.error('one root element', 'another');
    const name = this.match(OPEN_TAG)?.[1];
    if (name === undefined) throw this.error('the name of an element', 'something else');
    this.elements += 1;
    if (this.elements > MAX_ELEMENTS) throw this.error(`at most ${MAX_ELEMENTS} elements`, 'more');
    const element: Open = { name, attributes: this.attributes() };
    const end = this.match(TAG_END);
    if (!end) throw this.error(`the end of <${name}>`, 'something else');
    if (end[1] === '/') this.finish(element);
    else if (this.open.push(element) > MAX_DEPTH) {
      throw this.error(`at most ${MAX_DEPTH} elements inside each other`, 'more');
    }
  }

  private attributes(): ReadonlyMap<string, string> {
    let attributes: Map<string, string> | undefined;
    for (let found = this.match(ATTRIBUTE); found; found = this.match(ATTRIBUTE)) {
      const [, name = '', double, single = ''] = found;
      attributes ??= new Map();
      if (attributes.has(name)) throw this.error(`one attribute ${name}`, 'two');
      attributes.set(name, printable(this.unescape(double ?? single)));
      if (attributes.size > MAX_ATTRIBUTES) {
        throw this.error(`at most ${MAX_ATTRIBUTES} attributes`, 'more');
      }
    }
    return attributes ?? NO_ATTRIBUTES;
  }

  private close(): void {
    const name = this.match(CLOSE_TAG)?.[1];
    const element = this.open.pop();
    if (!element || element.name !== name) {
      throw this.error(element ? `</${element.name}>` : 'an element', `</${name ?? '...'}>`);
    }
    this.finish(element);
  }

  private finish({ name, attributes, children, text }: Open): void {
    const joined = text ? text.join('').trim() : '';
    const element = { name, attributes, children: children ?? NO_CHILDREN, text: joined };
    const parent = this.open.at(-1);
    if (!parent) this.root = element;
    else {
      parent.children ??= [];
      parent.children.push(element);
    }
  }

  private unescape(raw: string): string {
    if (!raw.includes('&')) return raw;
    return raw.replace(ENTITY, (whole, body: string | undefined) => {
      if (body === undefined) throw this.error('an XML entity', JSON.stringify(whole));
      if (!body.startsWith('#')) return NAMED[body] as string;
      const hex = body[1] === 'x';
      const code = Number.parseInt(body.slice(hex ? 2 : 1), hex ? 16 : 10);
      if (code > 0x10ffff) throw this.error('a Unicode character', whole);
      return String.fromCodePoint(code);
    });
  }

  private skipPast(end: string, opening: number): string {
    const from = this.at + opening;
    const found = this.source.indexOf(end, from);
    if (found < 0) throw this.error(end, 'the end of the file');
    this.at = found + end.length;
    return this.source.slice(from, found);
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  private error(expected: string, got: string): ArcfaceError {
    const line = this.source.slice(0, this.at).split('\n').length;
    return fault(expected, got, `, line ${line}`);
  }
}

function fault(expected: string, got: string, place = ''): ArcfaceError {
  return new ArcfaceError('bad_model', `${WHERE}${place}: expected ${expected}, got ${got}`);
}
