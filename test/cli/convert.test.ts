import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { convert } from '../../src/cli/commands/convert.ts';
import { ArcfaceError } from '../../src/errors.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { floats, node, onnxFile, smallNetwork } from '../support/onnx-files.ts';
import { writeOpenvinoBin, writeOpenvinoXml } from '../support/openvino/write.ts';
import { concatenate, tinyModel } from '../support/synth-graph.ts';

const folder = mkdtempSync(join(tmpdir(), 'arcface-convert-'));
const model = join(folder, 'small.onnx');
const output = join(folder, 'small.safetensors');
let printed = '';

beforeEach(() => {
  printed = '';
  writeFileSync(model, smallNetwork());
  writeFileSync(output, 'before');
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    printed += `${line}\n`;
  });
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true }));

async function failure(...args: string[]): Promise<ArcfaceError> {
  const error: unknown = await convert.run(args).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ArcfaceError);
  expect(readFileSync(output, 'utf8')).toBe('before');
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  return error as ArcfaceError;
}

describe('convert', () => {
  it('writes weights that name their source, and says what it did', async () => {
    await convert.run([model, '-o', output]);
    const bytes = readFileSync(output);
    const { metadata } = parseWeightsHeader(bytes, bytes.length);
    expect(metadata.source).toBe('small.onnx');
    expect(printed).toMatch(/GFLOPs.*MParams.*2 convolutions/);
    expect(printed).toMatch(/licence: .*non-commercial/);
    expect(readdirSync(folder).sort()).toEqual(['small.onnx', 'small.safetensors']);
  });

  it('writes the same bytes again', async () => {
    await convert.run([model, '-o', output]);
    const first = readFileSync(output);
    await convert.run([model, '-o', output]);
    expect(readFileSync(output).equals(first)).toBe(true);
  });

  it('prints one JSON document with --json', async () => {
    await convert.run([
      model,
      '-o',
      output,
      '--json',
      '--mean',
      '-1',
      '--std',
      '2',
      '--input',
      'bgr',
    ]);
    expect(JSON.parse(printed)).toMatchObject({
      file: output,
      dtype: 'f32',
      inputOrder: 'bgr',
      preprocessing: { mean: -1, std: 2, own: true },
      convolutions: 2,
      cleaned: 0,
    });
  });

  it('takes three means and deviations in the order trained on, and says what they rest on', async () => {
    const values = [
      '--mean',
      '-123.7,116.3,103.5',
      '--std',
      '58.4,57.1,57.4',
      '--trained-on',
      'bgr',
    ];
    await convert.run([model, '-o', output, ...values]);
    expect(printed).toContain(
      'preprocessing: (x - [-123.7, 116.3, 103.5]) / [58.4, 57.1, 57.4], then what the graph does itself ' +
        '(stated by an option); trained on BGR (stated by an option)',
    );
    expect(printed).toMatch(
      /note: Outranked by an option: The graph starts with \(x - 127\.5\) \/ 128/,
    );
    printed = '';
    await convert.run([model, '-o', output, ...values, '--json']);
    const summary = JSON.parse(printed);
    expect(summary).toMatchObject({
      inputOrder: 'bgr',
      trainedOn: 'bgr',
      preprocessing: { mean: [-123.7, 116.3, 103.5], std: [58.4, 57.1, 57.4], own: true },
      basis: { values: { source: 'option' }, order: { source: 'option' } },
    });
    const bytes = readFileSync(output);
    const { metadata } = parseWeightsHeader(bytes, bytes.length);
    expect(metadata.basis).toEqual(summary.basis);
    expect(metadata.trainedOn).toBe('bgr');
  });

  it.each(['rgb', 'bgr'] as const)(
    'makes weights that take %s of an OpenVINO file that states either order',
    async (input) => {
      const data: Buffer[] = [];
      for (const reverseChannels of [false, true]) {
        const ir = join(folder, 'ir');
        mkdirSync(ir);
        writeFileSync(join(ir, 'tiny.xml'), writeOpenvinoXml(tinyModel(), { reverseChannels }));
        const bin = concatenate(writeOpenvinoBin(tinyModel(), { reverseChannels }));
        writeFileSync(join(ir, 'tiny.bin'), bin);
        await convert.run([ir, '-o', output, '--input', input]);
        rmSync(ir, { recursive: true });
        const bytes = readFileSync(output);
        const { metadata, dataOffset } = parseWeightsHeader(bytes, bytes.length);
        expect(metadata.inputOrder).toBe(input);
        data.push(bytes.subarray(dataOffset));
      }
      expect(data[0]?.equals(data[1] as Buffer)).toBe(true);
    },
  );

  it('leaves an existing file intact when the model turns out broken halfway', async () => {
    const inputs = [{ name: 'x', dims: [1, 3, 112, 112] }];
    const values = new Array<number>(2 * 3).fill(0.5);
    values[4] = Number.NaN;
    const nodes = [
      node('GlobalAveragePool', ['x'], 'mean'),
      node('Flatten', ['mean'], 'flat'),
      node('MatMul', ['flat', 'w'], 'features'),
    ];
    writeFileSync(model, onnxFile(nodes, [floats('w', [3, 2], values)], { inputs }));
    // Without normalisation nothing reads the weights before they are written.
    const error = await failure(model, '-o', output, '--mean', '0', '--std', '1');
    expect(error.code).toBe('bad_model');
    expect(error.message).toMatch(
      /small\.onnx: constant "features.weight"\[\d+\]: expected a finite f32, got NaN/,
    );
  });

  it('refuses a network of another input size before it writes anything', async () => {
    const nodes = [node('Relu', ['x'], 'y')];
    const inputs = [{ name: 'x', dims: [1, 3, 160, 160] }];
    writeFileSync(model, onnxFile(nodes, [], { inputs }));
    const error = await failure(model, '-o', output);
    expect(error.code).toBe('bad_model');
    expect(error.message).toMatch(/expected \[1, 3, 112, 112\].*got \[1, 3, 160, 160\]/);
  });

  it('takes --output for -o, and the value that is the embedding as --value', async () => {
    await convert.run([model, '--output', output, '--value', 'features', '--json']);
    const bytes = readFileSync(output);
    expect(parseWeightsHeader(bytes, bytes.length).metadata.output).toBe('features');
  });

  it.each([
    ['its own name', (): string => model],
    ['another spelling of it', (): string => join(folder, 'ir', '..', 'small.onnx')],
    [
      'a link to it',
      (): string => {
        symlinkSync(model, join(folder, 'link'));
        return join(folder, 'link');
      },
    ],
  ])('never writes over the model under %s', async (_, place) => {
    mkdirSync(join(folder, 'ir'), { recursive: true });
    const error = await failure(model, '-o', place());
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(/^--output: expected a file that is not read, got/);
    expect(readFileSync(model).equals(smallNetwork())).toBe(true);
    rmSync(join(folder, 'ir'), { recursive: true });
    rmSync(join(folder, 'link'), { force: true });
  });

  it('refuses what is no model, and a place it cannot write to', async () => {
    writeFileSync(model, 'not a model');
    expect((await failure(model, '-o', output)).code).toBe('bad_model');
    expect((await failure(join(folder, 'none.onnx'), '-o', output)).code).toBe('io');
    writeFileSync(model, smallNetwork());
    expect((await failure(model, '-o', join(folder, 'none', 'x.safetensors'))).code).toBe('io');
  });

  it.each([
    [[], /expected one model, got none/],
    [['a', 'b', '-o', 'c'], /expected one model, got a b/],
    [['a.onnx'], /expected -o/],
    [
      ['a.onnx', '-o', 'x', '--dtype', 'int8'],
      /--dtype: expected f32, f16, q8, got 'int8'; take q8/,
    ],
    [['a.onnx', '-o', 'x', '--dtype', 'f64'], /--dtype: expected f32, f16, q8/],
    [['a.onnx', '-o', 'x', '--calibrate', 'faces'], /--calibrate: .* not built; take --dtype q8/],
    [['a.onnx', '-o', 'x', '--std', '0'], /--std: expected a number other than 0/],
    [['a.onnx', '-o', 'x', '--mean', 'much'], /--mean: expected a number/],
    [['a.onnx', '-o', 'x', '--mean', '1,2'], /--mean: expected a number, or three as a,b,c/],
    [['a.onnx', '-o', 'x', '--std', '1,,2'], /--std: expected a number, or three as a,b,c/],
    [['a.onnx', '-o', 'x', '--std', '1,0,2'], /--std: expected a number other than 0/],
    [['a.onnx', '-o', 'x', '--trained-on', 'gbr'], /--trained-on: expected rgb, bgr/],
    [['a.onnx', '-o', 'x', '--input', 'grey'], /--input: expected rgb, bgr/],
    [['a.onnx', '-o', 'x', '--fast'], /fast/],
  ] as [string[], RegExp][])('refuses %j as wrong usage', async (args, message) => {
    const error = await failure(...args);
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(message);
  });
});
