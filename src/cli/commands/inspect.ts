/** `inspect`: what a model is made of, what it costs, and which kernels will run it and why. */

import { parseArguments, usage } from '../args.ts';
import type { Command } from '../command.ts';
import { MODEL_OPTIONS, modelChoice, preprocessingText } from '../conversion.ts';
import { evidenceText } from '../evidence.ts';
import { type Inspection, inspectPath } from '../inspection.ts';
import { LIMIT_OPTIONS, limitsOf } from '../load.ts';
import { jsonText, rowName, UNTRAINED } from '../text.ts';

export const inspect: Command = {
  name: 'inspect',
  summary: 'layers, GFLOPs, MParams, memory and kernels of a model or of weights',
  usage: `arcface-wasm inspect <model or weights> [options]

Layers are those of the folded network: batch norms, activations and additions have moved into the
convolutions. GFLOPs and MParams are of the file as it was published, counted as the Open Model Zoo
counts them. Memory is what one face on one thread needs.

  --mean, --std, --trained-on, --input, --value  of a model: read it as convert does with these
  --no-limits          of a network that asks for more work than any published one, too
  --json               one JSON document on stdout`,

  async run(args) {
    const { values, positionals } = parseArguments(args, {
      ...MODEL_OPTIONS,
      ...LIMIT_OPTIONS,
      json: { type: 'boolean' },
    });
    const [path, ...others] = positionals;
    if (path === undefined || others.length > 0) {
      throw usage(
        `inspect: expected one model or weights file, got ${positionals.join(' ') || 'none'}`,
      );
    }
    const inspection = await inspectPath(path, modelChoice(values), limitsOf(values));
    console.log(values.json ? jsonText(inspection, 2) : textOf(path, inspection));
  },
};

function textOf(path: string, inspection: Inspection): string {
  const { counts, layers } = inspection;
  return [
    `${rowName(path)}: ${inspection.name}, ${inspection.formatDetail}`,
    `${counts.mxnet.gflops.toFixed(3)} GFLOPs, ${counts.mxnet.mparams.toFixed(3)} MParams, ` +
      `${grouped(inspection.macs)} MACs, ${inspection.convolutions} convolutions`,
    `${counts.onnx.gflops.toFixed(4)} GFLOPs, ${counts.onnx.mparams.toFixed(4)} MParams ` +
      "by the rule of the Open Model Zoo's -onnx entries",
    `takes ${inspection.inputOrder.toUpperCase()} 0..255, gives ${inspection.outputFeatures} numbers`,
    `weights ${grouped(inspection.weightsBytes)} bytes; arena ${grouped(inspection.arenaBytes)} ` +
      `bytes, lower bound ${grouped(inspection.arenaLowerBoundBytes)}; ` +
      `scratch ${grouped(inspection.scratchBytes)} bytes`,
    preprocessingText(inspection),
    ...(inspection.evidence ? [evidenceText(inspection.evidence)] : []),
    ...inspection.notes.map((note) => `note: ${note}`),
    `licence: ${inspection.licence}`,
    `contract: ${inspection.contract}`,
    ...(inspection.training === 'none' ? [UNTRAINED] : []),
    '',
    ...table([
      ['layer', 'operator', 'output', 'MACs', 'parameters', 'kernel', 'reason'],
      ...layers.map((layer) => [
        layer.name,
        layer.op,
        layer.shape.join('x'),
        grouped(layer.macs),
        grouped(layer.parameters),
        layer.kernel,
        layer.reason,
      ]),
    ]),
  ].join('\n');
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** Columns of equal width; those whose heading is a count stand to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const isCount = head[column] === 'MACs' || head[column] === 'parameters';
        const width = widths[column] ?? 0;
        return isCount ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
