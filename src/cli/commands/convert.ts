/** `convert`: a published model in, preconverted weights out. The work is `cli/conversion.ts`. */

import { stat } from 'node:fs/promises';
import { measureFaces } from '../../convert/evidence/face-statistics.ts';
import { parseArguments, usage } from '../args.ts';
import { checkText, checkWeights } from '../check.ts';
import type { Command } from '../command.ts';
import {
  conversionText,
  convertFile,
  dtypeOption,
  MODEL_OPTIONS,
  modelChoice,
} from '../conversion.ts';
import { readCrops } from '../crops.ts';
import { jsonText } from '../text.ts';

/** Statistics of fewer faces are worse than those that ship. */
const ENOUGH_CROPS = 20;
/** More change nothing. */
const MEASURED_CROPS = 200;

const OPTIONS = {
  ...MODEL_OPTIONS,
  output: { type: 'string', short: 'o' },
  dtype: { type: 'string' },
  calibrate: { type: 'string' },
  check: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const convert: Command = {
  name: 'convert',
  summary: 'an ONNX, MXNet or OpenVINO model to weights that load at once',
  usage: `arcface-wasm convert <model> -o <file.safetensors> [options]

<model>: an .onnx file; MXNet's .params or -symbol.json with the other beside it; OpenVINO's .xml or
.bin with the other beside it; or the folder that holds one of them.

  -o, --output <file>  the weights file; an existing one is replaced when the new one is complete
  --mean <a,b,c>, --std <a,b,c>  input normalisation (x - mean) / std of 0..255 to fold in: one number
                       or three, in the order of --trained-on. Default: what the file says or its
                       first constants mean, else 127.5 and 127.5
  --trained-on <rgb|bgr>  channel order the network was trained on; default: what the file says, else rgb
  --input <rgb|bgr>    channel order the weights shall take; default: the model's own. An OpenVINO
                       file that does not say which order it has is believed to have this one, unless
                       --trained-on says otherwise
  --value <name>       the value of the graph that is the embedding; default: its output. pre_fc1
                       is what InsightFace's networks have before their last batch norm
  --check <crops>      aligned 112x112 crops of different people (a folder, or an lfw.bin): do
                       embeddings depend on the picture? ${ENOUGH_CROPS} or more serve the evidence of batch norms too
  --dtype <f32|f16|q8> how weights are stored: 4, 2 or about 1 byte each; arithmetic is f32 with all
  --json               one JSON document on stdout`,

  async run(args) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const [path, ...others] = positionals;
    if (path === undefined || others.length > 0) {
      throw usage(`convert: expected one model, got ${positionals.join(' ') || 'none'}`);
    }
    if (!values.output) throw usage('convert: expected -o with the file to write, got none');
    const dtype = dtypeOption(values.dtype);
    if (values.calibrate !== undefined) {
      throw usage(
        '--calibrate: expected no calibration, got one: it is for integer arithmetic, which is not built; ' +
          'take --dtype q8 for weights of 8 bits',
      );
    }
    const crops =
      values.check === undefined ? undefined : await cropsFor(values.check, values.output);
    const faces = crops && crops.length >= ENOUGH_CROPS ? measureFaces(crops) : undefined;
    const choice = { ...modelChoice(values), dtype, output: values.output, faces };
    const { summary, say } = await convertFile(path, choice);
    if (!values.json) say(conversionText(summary));
    const check = crops && (await checkWeights(values.output, crops));
    if (values.json) say(jsonText(check ? { ...summary, check } : summary, 2));
    else if (check) say(checkText(check));
  },
};

/** What was written has to be read again: a pipe or device cannot be. */
async function cropsFor(path: string, output: string): Promise<Uint8ClampedArray[]> {
  const place = await stat(output).catch(() => undefined);
  if (place && !place.isFile()) {
    throw usage(`--check: expected weights in a file, to be read again, got --output ${output}`);
  }
  return readCrops(path, MEASURED_CROPS);
}
