import { beforeAll, describe, expect, it } from 'vitest';
import { choosePreprocessing } from '../../src/convert/preprocessing.ts';
import { importOpenvino } from '../../src/formats/openvino/import.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { expectCodedErrors } from '../support/fuzz.ts';
import {
  type OpenvinoWriteOptions,
  writeOpenvinoBin,
  writeOpenvinoXml,
} from '../support/openvino/write.ts';
import { embeddingOf } from '../support/openvino-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';
import {
  concatenate,
  graphOfSynth,
  microModel,
  pixels,
  relativeDifference,
  tinyModel,
} from '../support/synth-graph.ts';

const model = tinyModel();

function filesOf(options: OpenvinoWriteOptions): [Uint8Array, Uint8Array] {
  return [writeOpenvinoXml(model, options), concatenate(writeOpenvinoBin(model, options))];
}

function swapChannels(rgb: Float32Array): Float32Array {
  const area = rgb.length / 3;
  return Float32Array.from(
    rgb,
    (_, i) => rgb[(2 - Math.floor(i / area)) * area + (i % area)] as number,
  );
}

describe.each([11, 10, 7] as const)('an IR of version %i', (version) => {
  let truth: Float64Array;
  beforeAll(() => {
    truth = embeddingOf(graphOfSynth(model), pixels());
  });

  it('gives the embedding of the network it was written from', () => {
    const { graph, ...rest } = importOpenvino(...filesOf({ version }));
    expect(graph.output).toBe('pre_fc1');
    expect(rest).toMatchObject({
      format: 'openvino',
      formatDetail: `OpenVINO IR v${version}`,
      reversedChannels: false,
    });
    expect(choosePreprocessing({ graph, ...rest }, {})).toMatchObject({
      inputOrder: 'rgb',
      preprocessing: { own: true },
    });
    expect(relativeDifference(embeddingOf(graph, pixels()), truth)).toBeLessThan(2e-6);
  });

  it('gives it from half constants within their rounding', () => {
    const { graph } = importOpenvino(...filesOf({ version, type: 'f16' }));
    const difference = relativeDifference(embeddingOf(graph, pixels()), truth);
    expect(difference).toBeGreaterThan(1e-6);
    expect(difference).toBeLessThan(1e-2);
  });

  it('is recognised as BGR when its channels were reversed', () => {
    const imported = importOpenvino(...filesOf({ version, reverseChannels: true }));
    const { graph } = imported;
    const { trainedOn, inputOrder, basis } = choosePreprocessing(imported, {});
    expect([trainedOn, inputOrder]).toEqual(['rgb', 'bgr']);
    expect(basis.order.because).toContain('channels are exchanged in the file');
    expect(relativeDifference(embeddingOf(graph, swapChannels(pixels())), truth)).toBeLessThan(
      2e-6,
    );
  });

  it('keeps the order that it states, and takes the one asked for only where it states none', () => {
    const [xml, bin] = filesOf({ version, reverseChannels: true });
    expect(choosePreprocessing(importOpenvino(xml, bin), { input: 'rgb' })).toMatchObject({
      graphOrder: 'bgr',
      inputOrder: 'rgb',
    });
    const text = new TextDecoder().decode(xml);
    const silent = new TextEncoder().encode(text.replace(/<reverse_input_channels[^>]*>/, ''));
    expect(silent.length).toBeLessThan(xml.length);
    const imported = importOpenvino(silent, bin);
    expect(choosePreprocessing(imported, {}).graphOrder).toBe('rgb');
    const { graphOrder, inputOrder, basis } = choosePreprocessing(imported, { input: 'bgr' });
    expect([graphOrder, inputOrder]).toEqual(['bgr', 'bgr']);
    expect(basis.order.because).toContain('--input bgr counts for both');
  });

  it('is refused when the .bin file is cut', () => {
    const [xml, bin] = filesOf({ version });
    const cut = (): unknown => importOpenvino(xml, bin.subarray(0, bin.length - 1));
    expect(codeOf(cut)).toBe('bad_model');
    expect(messageOf(cut)).toContain(`within the ${bin.length - 1} bytes of the .bin file`);
    expect(codeOf(() => importOpenvino(xml, new Uint8Array()))).toBe('bad_model');
  });

  it('is refused when the .xml file is cut anywhere, or imported if only what follows the network is', () => {
    const [xml, bin] = filesOf({ version });
    const end = xml.length - '\n'.length;
    for (let length = 0; length < end; length += 1 + Math.floor(length / 40)) {
      expect(codeOf(() => importOpenvino(xml.subarray(0, length), bin))).toBe('bad_model');
    }
  });

  it('is refused or gives a valid graph when the .xml file is damaged', () => {
    const micro = microModel();
    const bin = concatenate(writeOpenvinoBin(micro, { version }));
    const codes = ['bad_model', 'unsupported_operator', 'bad_argument'];
    const xml = writeOpenvinoXml(micro, { version });
    const read = (damaged: Uint8Array): void => {
      validateGraph(importOpenvino(damaged, bin).graph);
    };
    expectCodedErrors(xml, codes, read, 1 / 3);
  });
});

describe('the MobileFaceNet of InsightFace as IR', () => {
  it.each([11, 7] as const)('version %i keeps its depthwise convolutions', (version) => {
    const mobile = synthesize('mobilefacenet', 3);
    const bin = concatenate(writeOpenvinoBin(mobile, { version }));
    const { graph } = importOpenvino(writeOpenvinoXml(mobile, { version }), bin);
    const convs = graph.nodes.filter((node) => node.op === 'conv');
    expect(convs.length).toBe(49);
    expect(convs.filter(({ group }) => group > 1).length).toBe(17);
    // Version 11 also holds the shape of a Reshape and the two input scalars.
    expect(bin.length - (version === 11 ? 16 + 8 : 0)).toBe(4 * 993_344);
  });
});

describe('written R100 files', () => {
  it.each([
    [7, 'f32', 4],
    [11, 'f16', 2],
  ] as const)('version %i %s holds the 65,130,944 fused values', (version, type, bytes) => {
    const xml = new TextDecoder().decode(
      writeOpenvinoXml(synthesize('r100', 1), { version, type }),
    );
    let total = 0;
    for (const [, size] of xml.matchAll(/ size="(\d+)"/g)) total += Number(size);
    // Versions 10 and 11 also hold the two input scalars and the shape of a Reshape.
    const extra = version === 11 ? 2 * bytes + 16 : 0;
    expect(total - extra).toBe(65_130_944 * bytes);
  });
});
