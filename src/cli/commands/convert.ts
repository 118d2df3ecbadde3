/** `convert`: a published model in, preconverted weights out. The work is `cli/conversion.ts`. */

import { parseArguments, usage } from '../args.ts';
import type { Command } from '../command.ts';
import {
  conversionText,
  convertFile,
  dtypeOption,
  MODEL_OPTIONS,
  modelChoice,
} from '../conversion.ts';
import { jsonText } from '../text.ts';

const OPTIONS = {
  ...MODEL_OPTIONS,
  output: { type: 'string', short: 'o' },
  dtype: { type: 'string' },
  calibrate: { type: 'string' },
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
      throw usage('--calibrate: expected no calibration, got one; this version writes f32 only');
    }
    const choice = { ...modelChoice(values), dtype, output: values.output };
    const { summary, say } = await convertFile(path, choice);
    say(values.json ? jsonText(summary, 2) : conversionText(summary));
  },
};
