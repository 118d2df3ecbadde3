/** What a model file calls things never reaches a terminal as an escape sequence. */

import { describe, expect, it } from 'vitest';
import { convertModel } from '../src/convert/convert.ts';
import { ArcfaceError } from '../src/errors.ts';
import type { Imported } from '../src/formats/imported.ts';
import { importMxnet } from '../src/formats/mxnet/import.ts';
import { importOnnx } from '../src/formats/onnx/import.ts';
import { importOpenvino } from '../src/formats/openvino/import.ts';
import { parseWeightsHeader } from '../src/formats/safetensors.ts';
import { printable } from '../src/printable.ts';
import { paramsOf, symbolOf, vector } from './support/mxnet-files.ts';
import { floats, node, onnxFile } from './support/onnx-files.ts';
import { edge, irOf, PORTS } from './support/openvino-files.ts';
import { messageOf } from './support/outcome.ts';

/** Clears a screen: with ESC, and with the one-byte form of ESC [. */
const CLEAR = '\u001b[2J\u009b2J';
const SEEN = '?[2J?2J';

const textOf = ({ graph, formatDetail, notes }: Imported): string =>
  [
    graph.name,
    graph.input.name,
    ...graph.nodes.map(({ name }) => name),
    formatDetail,
    ...notes,
  ].join('|');

describe('printable', () => {
  it('keeps letters of any script and replaces what steers a terminal or the direction', () => {
    expect(printable('relu0 ß 層 é')).toBe('relu0 ß 層 é');
    expect(printable(`a${CLEAR}\u202eb\u0007\u2028`)).toBe(`a${SEEN}?b??`);
    expect(printable('two\nlines\tand\rmore')).toBe('two lines and more');
  });
});

describe('names with escape sequences', () => {
  const inputs = [{ name: `x${CLEAR}`, dims: [1, 3, 112, 112] }];
  const strides = { strides: { ints: [112, 112] } };
  const conv = node('Conv', [`x${CLEAR}`, 'w'], `c${CLEAR}`, strides);
  const onnx = (): Imported =>
    importOnnx(
      onnxFile([conv], [floats('w', [2, 3, 1, 1])], {
        inputs,
        name: `n${CLEAR}`,
        producer: `p${CLEAR}`,
      }),
    );

  it('of an ONNX file are read without them', () => {
    const text = textOf(onnx());
    expect(text).toBe(printable(text));
    expect(text).toContain(`n${SEEN}|x${SEEN}|c${SEEN}|ONNX opset 13 (p${SEEN})`);
  });

  it('of an MXNet model are read without them, and still find their parameters', () => {
    const symbols = symbolOf(
      ['null', `face${CLEAR}`],
      ['null', `slopes${CLEAR}`],
      ['LeakyReLU', `act${CLEAR}`, [0, 1], { act_type: 'prelu' }],
    );
    const params = paramsOf({ [`slopes${CLEAR}`]: vector(0.1, 0.2, 0.3) });
    expect(textOf(importMxnet(symbols, params))).toContain(`face${SEEN}|act${SEEN}`);
  });

  it('of an OpenVINO file are read without them, written as references too', () => {
    const name = 'out&#27;[2J\u009b2J';
    const layer = `<layer id="out" name="${name}" type="ReLU">${PORTS(1)}</layer>`;
    const imported = importOpenvino(irOf(layer, edge('p', 'out')), new Uint8Array());
    expect(imported.graph.output).toBe(`out${SEEN}`);
  });

  it('are not in a converted file, and are refused in one', () => {
    const source = { name: `m${CLEAR}.onnx`, sha256: '0'.repeat(64) };
    const { header } = convertModel(onnx(), { source, licence: `l${CLEAR}` });
    expect(parseWeightsHeader(header).metadata).toMatchObject({
      source: `m${SEEN}.onnx`,
      licence: `l${SEEN}`,
      output: `c${SEEN}`,
    });
    // Replacements of equal length: the header states its own, in bytes that are no text.
    const text = Buffer.from(header).toString('latin1');
    const change = (from: string, to: string): string => {
      expect(text).toContain(from);
      const changed = Buffer.from(text.replaceAll(from, to), 'latin1');
      return messageOf(() => parseWeightsHeader(changed));
    };
    expect(change(`l${SEEN}`, 'l\\u001b[')).toMatch(/licence: expected .* control characters/);
    expect(change(`c${SEEN}`, 'c\\\\u001b')).toMatch(/ops\[0\].name: .* control characters/);
  });

  it('are not in the message of an error', () => {
    expect(new ArcfaceError('bad_model', `node ${CLEAR}: got\nthat`).message).toBe(
      `node ${SEEN}: got\nthat`,
    );
  });
});
