/**
 * Readers of models: ONNX, MXNet, OpenVINO and weights files. What a model reader accepts is converted, and
 * what was converted is read and planned, so that a fault of the reader shows even where it is used later.
 */

import { modelKind } from '../../../src/cli/model-kind.ts';
import { placeConstants } from '../../../src/compile/place-constants.ts';
import type { Plan } from '../../../src/compile/plan.ts';
import { compile } from '../../../src/compile/schedule.ts';
import { convertModel } from '../../../src/convert/convert.ts';
import { DEFAULT_LIMITS, refuseLongWork, refuseMuchMemory } from '../../../src/engine/limits.ts';
import type { Imported } from '../../../src/formats/imported.ts';
import { importMxnet } from '../../../src/formats/mxnet/import.ts';
import { externalFilesOf, importOnnx } from '../../../src/formats/onnx/import.ts';
import { importOpenvino } from '../../../src/formats/openvino/import.ts';
import { parseWeightsHeader, type WeightsHeader } from '../../../src/formats/safetensors.ts';
import { validateGraph } from '../../../src/graph/validate.ts';
import { writeMxnetParams, writeMxnetSymbol } from '../../support/mxnet/write.ts';
import { writeOpenvinoBin, writeOpenvinoXml } from '../../support/openvino/write.ts';
import { concatenate } from '../../support/synth-graph.ts';
import { mutateParams, mutateSafetensors } from '../mutate/headers.ts';
import { mutateJson } from '../mutate/json.ts';
import { mutateProtobuf } from '../mutate/protobuf.ts';
import { mutateXml } from '../mutate/xml.ts';
import type { Files, Reader } from '../reader.ts';
import { externalSample, onnxSamples, smallModel, weightsSamples } from './samples.ts';

const MODEL_CODES = ['bad_model', 'unsupported_operator', 'bad_argument'];
const SOURCE = { name: 'fuzz', sha256: '0'.repeat(64) };
/**
 * Converting is work on constants that a file states in few bytes (a scalar becomes one of each channel):
 * what `graph/limits.ts` and the importers' own limits allow.
 */
const CONSTANT_BYTES = 64 * 2 ** 20;

function convertWhole(imported: Imported): void {
  validateGraph(imported.graph);
  const converted = convertModel(imported, { source: SOURCE });
  let bytes = converted.header.length;
  for (const chunk of converted.chunks()) bytes += chunk.length;
  if (bytes !== converted.byteLength)
    throw new Error(`${bytes} bytes, ${converted.byteLength} were said`);
  planWeights(parseWeightsHeader(converted.header));
}

function planWeights(header: WeightsHeader): Plan[] {
  const { network, shapes } = header;
  const { offsets: constants } = placeConstants(header);
  return [1, 3].map((batch) => compile({ network, shapes, constants, batch, threads: 2 }));
}

function kindFirst(bytes: Uint8Array, path: string): Uint8Array {
  modelKind(bytes, path);
  return bytes;
}

export function modelReaders(): Reader[] {
  const model = smallModel();
  const both = (a: Uint8Array, b: Iterable<Uint8Array>): Files => [a, concatenate(b)];
  const eras = ['1.2', '0.11', '0.8'] as const;
  const versions = [11, 10, 7] as const;
  return [
    {
      name: 'onnx',
      files: ['model.onnx'],
      samples: onnxSamples().map((sample) => [sample]),
      mutators: [[mutateProtobuf]],
      codes: MODEL_CODES,
      allowance: () => CONSTANT_BYTES,
      read: ([onnx]) => convertWhole(importOnnx(kindFirst(onnx as Uint8Array, 'model.onnx'))),
    },
    {
      name: 'onnx with external data',
      files: ['model.onnx', 'model.onnx.data'],
      samples: [externalSample()],
      mutators: [[mutateProtobuf], []],
      codes: MODEL_CODES,
      allowance: () => CONSTANT_BYTES,
      read: ([onnx, data]) => {
        const model = kindFirst(onnx as Uint8Array, 'model.onnx');
        // As the command line does: only what lies inside the folder is opened.
        const external = new Map(externalFilesOf(model).map((name) => [name, data as Uint8Array]));
        convertWhole(importOnnx(model, { external }));
      },
    },
    {
      name: 'mxnet',
      files: ['model-symbol.json', 'model-0000.params'],
      samples: eras.map((era) => both(writeMxnetSymbol(model, { era }), writeMxnetParams(model))),
      mutators: [[mutateJson], [mutateParams]],
      codes: MODEL_CODES,
      allowance: () => CONSTANT_BYTES,
      read: ([symbol, params]) => {
        kindFirst(symbol as Uint8Array, 'model-symbol.json');
        convertWhole(importMxnet(symbol as Uint8Array, params as Uint8Array));
      },
    },
    {
      name: 'openvino',
      files: ['model.xml', 'model.bin'],
      samples: versions.map((version) =>
        both(writeOpenvinoXml(model, { version }), writeOpenvinoBin(model, { version })),
      ),
      mutators: [[mutateXml], []],
      codes: MODEL_CODES,
      allowance: () => CONSTANT_BYTES,
      read: ([xml, bin]) => {
        kindFirst(xml as Uint8Array, 'model.xml');
        convertWhole(importOpenvino(xml as Uint8Array, bin as Uint8Array));
      },
    },
    {
      name: 'weights',
      files: ['weights.safetensors'],
      samples: weightsSamples().map((sample) => [sample]),
      mutators: [[mutateSafetensors]],
      codes: ['bad_weights'],
      allowance: () => CONSTANT_BYTES,
      read: ([weights]) => {
        const file = weights as Uint8Array;
        const header = parseWeightsHeader(file, file.length);
        refuseLongWork(header.network, header.shapes, DEFAULT_LIMITS);
        for (const plan of planWeights(header)) refuseMuchMemory(plan, DEFAULT_LIMITS);
      },
    },
  ];
}
