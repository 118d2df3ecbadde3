import { describe, expect, it } from 'vitest';
import { importOpenvino } from '../../src/formats/openvino/import.ts';
import { writeOpenvinoBin, writeOpenvinoXml } from '../support/openvino/write.ts';
import { edge, irOf, PORTS } from '../support/openvino-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';
import { concatenate, tinyModel } from '../support/synth-graph.ts';

const model = tinyModel();

describe('an IR file that is none', () => {
  const imported = (xml: string): (() => unknown) => {
    return () => importOpenvino(new TextEncoder().encode(xml), new Uint8Array(8));
  };

  it.each([
    ['<html></html>', 'an element <net>'],
    ['<net name="n" version="8"/>', 'version 5, 6, 7, 10, 11, got "8"'],
    ['<net name="n"/>', 'version 5, 6, 7, 10, 11'],
    ['<net version="11"><layers><layer type="Parameter"/></layers></net>', 'an attribute id'],
    [
      '<net version="11"><layers><layer id="0" type="Const"><output><port id="0"/><port id="0"/></output></layer></layers></net>',
      'ids of its own',
    ],
    [
      '<net version="11"><layers/><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/></edges></net>',
      'the port of a layer',
    ],
  ])('is refused: %s', (xml, words) => {
    expect(codeOf(imported(xml))).toBe('bad_model');
    expect(messageOf(imported(xml))).toContain(words);
  });

  it('is refused when layers feed each other', () => {
    const layers = `<layer id="a" name="a" type="Add">${PORTS(2)}</layer>
      <layer id="out" name="b" type="ReLU">${PORTS(1)}</layer>`;
    const xml = irOf(layers, edge('p', 'a') + edge('out', 'a', 1) + edge('a', 'out'));
    expect(messageOf(() => importOpenvino(xml, new Uint8Array()))).toContain('without cycles');
  });

  it('takes any depth of layers without overflowing, up to its limit', () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => (i === 19_999 ? 'out' : `l${i}`));
    const layers = ids.map((id) => `<layer id="${id}" type="ReLU">${PORTS(1)}</layer>`).join('');
    const edges = ids.map((id, i) => edge(i === 0 ? 'p' : (ids[i - 1] as string), id)).join('');
    const deep = (): unknown => importOpenvino(irOf(layers, edges), new Uint8Array());
    expect(messageOf(deep)).toContain('at most 10000 nodes');
  });

  it('may not have one weight that thousands of layers read', () => {
    const weights = `<layer id="w" type="Const"><data element_type="f32" shape="3,3,64,64" offset="0"
      size="147456"/><output><port id="9"/></output></layer>`;
    const ids = Array.from({ length: 3000 }, (_, i) => (i === 2999 ? 'out' : `l${i}`));
    const pads = 'pads_begin="32,32" pads_end="31,31"';
    const layers = ids
      .map((id) => `<layer id="${id}" type="Convolution"><data ${pads}/>${PORTS(2)}</layer>`)
      .join('');
    const edges = ids
      .map((id, i) => edge(i === 0 ? 'p' : (ids[i - 1] as string), id) + edge('w', id, 1))
      .join('');
    const shared = (): unknown =>
      importOpenvino(irOf(weights + layers, edges), new Uint8Array(147_456));
    expect(codeOf(shared)).toBe('bad_model');
    expect(messageOf(shared)).toContain('weights of its own, got "some that very many share"');
  });

  it('needs an input of three channels and one result', () => {
    const layers = `<layer id="out" name="b" type="ReLU">${PORTS(1)}</layer>`;
    const run = (shape: string): string =>
      messageOf(() => importOpenvino(irOf(layers, edge('p', 'out'), shape), new Uint8Array()));
    expect(run('?,3,?,?')).toBe('read');
    expect(run('1,112,112,3')).toBe('read');
    expect(run('1,112,112,1')).toContain('expected an input [1, 3, H, W]');
    expect(run('1,3')).toContain('expected an input [1, 3, H, W]');
    expect(run('1,3,999999999,999999999')).toContain('three positive sizes');
    const [xml, bin] = [writeOpenvinoXml(model), concatenate(writeOpenvinoBin(model))];
    const asked = (output: string): unknown => importOpenvino(xml, bin, { output }).graph.output;
    expect(asked('conv0')).toBe('conv0');
    expect(codeOf(() => asked('fc7'))).toBe('bad_argument');
  });
});
