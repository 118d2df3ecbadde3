import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readXml } from '../../src/formats/openvino/xml.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string): ReturnType<typeof readXml> => readXml(bytesOf(text));

describe('readXml', () => {
  it('reads elements, attributes, text, entities, comments, CDATA and declarations', () => {
    const root = read(`\ufeff<?xml version="1.0"?>
      <!-- a -- comment --><net name='a&amp;"b' version = "11"><x/><y z="&lt;&#65;&#x42;">
      one<!-- two --><![CDATA[<three>]]></y ></net>
    `);
    expect(root.name).toBe('net');
    expect([...root.attributes]).toEqual([
      ['name', 'a&"b'],
      ['version', '11'],
    ]);
    expect(root.children.map(({ name }) => name)).toEqual(['x', 'y']);
    expect(root.children[1]?.attributes.get('z')).toBe('<AB');
    expect(root.children[1]?.text).toBe('one<three>');
  });

  it.each([
    ['', 'an element'],
    ['   ', 'an element'],
    ['text', 'text outside of any'],
    ['<a>', 'expected </a>'],
    ['<a></b>', 'expected </a>, got </b>'],
    ['</a>', 'got </a>'],
    ['<a/><b/>', 'one root element'],
    ['<a b="1" b="2"/>', 'one attribute b'],
    ['<a b=1/>', 'the end of <a>'],
    ['<a b="<"/>', 'the end of <a>'],
    ['<a b="1"c="2"/>', 'the end of <a>'],
    ['<a>&nbsp;</a>', 'an XML entity'],
    ['<a>&#x110000;</a>', 'a Unicode character'],
    ['<!DOCTYPE a [<!ENTITY b "c">]><a/>', 'no document type'],
    ['<a><!-- </a>', 'expected -->'],
    ['<a><![CDATA[ </a>', 'expected ]]>'],
    ['<\u00e4/>', 'the name of an element'],
  ])('refuses %j', (text, words) => {
    expect(codeOf(() => read(text))).toBe('bad_model');
    expect(messageOf(() => read(text))).toContain(words);
  });

  it('names the line of a fault', () => {
    expect(messageOf(() => read('<a>\n\n<b></a>'))).toContain('line 3');
  });

  it('refuses depth, breadth and bytes beyond any IR file', () => {
    expect(messageOf(() => read('<a>'.repeat(100_000)))).toContain('at most 32 elements inside');
    expect(messageOf(() => read(`<a>${'<b/>'.repeat(400_000)}</a>`))).toContain('at most 300000');
    const many = Array.from({ length: 200 }, (_, i) => ` a${i}=""`).join('');
    expect(messageOf(() => read(`<a${many}/>`))).toContain('at most 128 attributes');
    expect(messageOf(() => readXml(Uint8Array.of(0x3c, 0xff)))).toContain('UTF-8');
  });

  it('gives a tree or a coded error for any text of markup', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '/',
      '<a',
      '</a>',
      ' b="',
      '"',
      '&',
      '&lt;',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      'x',
      '\n',
      '<!D',
    );
    const property = fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      expect(['read', 'bad_model']).toContain(codeOf(() => read(pieces.join(''))));
    });
    fc.assert(property, { numRuns: 3000, seed: 4 });
  });
});
