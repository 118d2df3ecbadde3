/**
 * `convert`: a published model in, preconverted weights out. The file is written tensor by tensor
 * beside its place and then renamed; what was there stays until the new one is complete.
 */

import { type Converted, type ConvertReport, convertModel } from '../../convert/convert.ts';
import type { Imported } from '../../formats/imported.ts';
import { choiceOption, numberOption, parseArguments, usage } from '../args.ts';
import type { Command } from '../command.ts';
import { writeFileAtomically } from '../files.ts';
import { openModelFiles } from '../model-files.ts';
import { startProgress } from '../progress.ts';

const OPTIONS = {
  output: { type: 'string' },
  o: { type: 'string', short: 'o' },
  dtype: { type: 'string' },
  calibrate: { type: 'string' },
  mean: { type: 'string' },
  std: { type: 'string' },
  input: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const convert: Command = {
  name: 'convert',
  summary: 'an ONNX, MXNet or OpenVINO model to weights that load at once',
  usage: `arcface-wasm convert <model> -o <file.safetensors> [options]

<model>: an .onnx file; MXNet's .params or -symbol.json with the other beside it; OpenVINO's .xml or
.bin with the other beside it; or the folder that holds one of them.

  -o <file>            the weights file; an existing one is replaced when the new one is complete
  --mean <m>, --std <s>  input normalisation (x - m) / s to fold in; default: none if the graph has
                       its own, else 127.5 and 127.5
  --input <rgb|bgr>    channel order the weights shall take; default: the model's own. An OpenVINO
                       file that does not say which order it has is believed to have this one
  --output <name>      the value that is the embedding: fc1 (default) or pre_fc1
  --dtype <f32>        number format of the weights
  --json               one JSON document on stdout`,

  async run(args) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const [path, ...others] = positionals;
    if (path === undefined || others.length > 0) {
      throw usage(`convert: expected one model, got ${positionals.join(' ') || 'none'}`);
    }
    if (!values.o) throw usage('convert: expected -o with the file to write, got none');
    requireFloat(values.dtype, values.calibrate);
    const choice = {
      mean: numberOption('mean', values.mean),
      std: numberOption('std', values.std),
      input: choiceOption('input', values.input, ['rgb', 'bgr']),
    };
    if (choice.std === 0) throw usage("--std: expected a number other than 0, got '0'");
    const files = await openModelFiles(path);
    const imported = files.import({
      ...(values.output !== undefined && { output: values.output }),
      ...(choice.input !== undefined && { input: choice.input }),
    });
    const source = { name: files.sourceName, sha256: files.sourceSha256 };
    const converted = convertModel(imported, { ...choice, source });
    await write(values.o, converted);
    const summary = summarise(values.o, imported, converted);
    console.log(values.json ? JSON.stringify(summary, null, 2) : textOf(summary));
  },
};

function requireFloat(dtype: string | undefined, calibrate: string | undefined): void {
  const known = choiceOption('dtype', dtype, ['f32', 'f16', 'int8']);
  if (known !== undefined && known !== 'f32') {
    throw usage(`--dtype: expected f32, got '${known}'; this version writes f32 only`);
  }
  if (calibrate !== undefined) {
    throw usage('--calibrate: expected no calibration, got one; this version writes f32 only');
  }
}

async function write(path: string, converted: Converted): Promise<void> {
  const progress = startProgress('converting');
  let bytes = 0;
  function* pieces(): Generator<Uint8Array> {
    yield converted.header;
    bytes += converted.header.length;
    for (const chunk of converted.chunks()) {
      yield chunk;
      bytes += chunk.length;
      progress.update(bytes, converted.byteLength);
    }
  }
  try {
    await writeFileAtomically(path, pieces());
  } finally {
    progress.end();
  }
}

interface Summary {
  readonly file: string;
  readonly bytes: number;
  readonly model: string;
  readonly source: string;
  readonly dtype: 'f32';
  readonly inputOrder: 'rgb' | 'bgr';
  readonly preprocessing: ConvertReport['preprocessing'];
  readonly gflops: number;
  readonly mparams: number;
  readonly macs: number;
  readonly convolutions: number;
  readonly folded: Record<string, number>;
  readonly kept: ConvertReport['folded']['kept'];
  readonly cleaned: number;
  readonly notes: readonly string[];
  readonly licence: string;
}

function summarise(file: string, imported: Imported, converted: Converted): Summary {
  const { counts, folded, preprocessing, inputOrder, cleaned, notes, licence } = converted.report;
  const { affinesBehind, affinesInFront, affinesMerged, activations, residuals } = folded;
  return {
    file,
    bytes: converted.byteLength,
    model: converted.network.name,
    source: imported.formatDetail,
    dtype: 'f32',
    inputOrder,
    preprocessing,
    gflops: counts.zoo.mxnet.flops / 1e9,
    mparams: counts.zoo.mxnet.parameters / 1e6,
    macs: counts.macs,
    convolutions: counts.convolutions,
    folded: { affinesBehind, affinesInFront, affinesMerged, activations, residuals },
    kept: folded.kept,
    cleaned: [...cleaned.values()].reduce((sum, count) => sum + count, 0),
    notes,
    licence,
  };
}

function textOf(summary: Summary): string {
  const { folded } = summary;
  const affines = Object.values(folded)
    .slice(0, 3)
    .reduce((sum, count) => sum + count, 0);
  const lines = [
    `${summary.file}: ${summary.model} from ${summary.source}, ${(summary.bytes / 1e6).toFixed(1)} MB`,
    `${summary.gflops.toFixed(3)} GFLOPs, ${summary.mparams.toFixed(3)} MParams, ` +
      `${summary.macs.toLocaleString('en-US')} MACs, ${summary.convolutions} convolutions`,
    `takes ${summary.inputOrder.toUpperCase()} 0..255`,
    `folded ${affines} scale-and-shift layers, ${folded.activations} activations, ` +
      `${folded.residuals} additions`,
    ...summary.kept.map(({ name, reason }) => `kept ${name}: ${reason}`),
    ...(summary.cleaned > 0 ? [`set ${summary.cleaned} values below 1e-30 to 0`] : []),
    ...summary.notes.map((note) => `note: ${note}`),
    `licence: ${summary.licence}`,
  ];
  return lines.join('\n');
}
