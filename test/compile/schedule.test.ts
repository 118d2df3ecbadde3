/** Plans of whole networks as plain data: nothing is overwritten while somebody needs it. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Address, ArgValue } from '../../src/compile/args.ts';
import { extraConstants } from '../../src/compile/constants.ts';
import type { Plan, Step } from '../../src/compile/plan.ts';
import { compile } from '../../src/compile/schedule.ts';
import { foldGraph } from '../../src/convert/fold.ts';
import { packGraph } from '../../src/convert/pack.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import type { Graph, Shape } from '../../src/graph/graph.ts';
import { channelStride } from '../../src/graph/layout.ts';
import { sizeOf } from '../../src/graph/limits.ts';
import type { Network } from '../../src/graph/network.ts';
import { inferNetworkShapes } from '../../src/graph/shapes.ts';
import { graphOfSynth, microModel, tinyModel } from '../support/synth-graph.ts';

const IR_TINY = '../shared/fixtures/ir-tiny/ir-tiny.onnx';

const graphs: [string, Graph][] = [
  ['tiny', graphOfSynth(tinyModel())],
  ['micro', graphOfSynth(microModel())],
];
if (existsSync(IR_TINY)) graphs.push(['ir-tiny', importOnnx(readFileSync(IR_TINY)).graph]);
else console.warn(`ir-tiny is not planned: ${IR_TINY} is absent`);

const networks = graphs.map(([name, graph]) => {
  const { network, tensors } = packGraph(foldGraph(graph).graph);
  const shapes = inferNetworkShapes(network);
  const names = [...tensors.map(({ spec }) => spec.name)];
  for (const extra of extraConstants(network, shapes)) names.push(extra.name);
  const constants = new Map(names.map((constant, i) => [constant, i * 64]));
  const plan = (batch: number, threads = 1): Plan =>
    compile({ network, shapes, constants, batch, threads });
  return { name, network, shapes, constants, plan };
});

function addresses(args: Readonly<Record<string, ArgValue>>): Address[] {
  return Object.values(args).filter((value): value is Address => typeof value === 'object');
}

function bytesOf(shape: Shape, batch: number): number {
  return batch * sizeOf(shape.slice(1)) * channelStride(shape[0]) * 4;
}

/** Replays who owns which bytes; returns the reads whose value somebody has overwritten. */
function lostReads(
  network: Network,
  shapes: ReadonlyMap<string, Shape>,
  { steps, batch, inputOffset, outputOffset }: Plan,
): string[] {
  const size = (value: string): number => bytesOf(shapes.get(value) as Shape, batch);
  const { name } = network.input;
  let owners = [{ value: name, from: inputOffset, to: inputOffset + size(name) }];
  const lost: string[] = [];
  for (const op of network.ops) {
    for (const value of op.inputs) {
      if (!owners.some((owner) => owner.value === value)) lost.push(`${op.name} reads ${value}`);
    }
    const first = steps.find((step) => step.name === op.name) as Step;
    const from = (first.args.y as Address).offset;
    const to = from + size(op.name);
    owners = owners.filter((owner) => owner.to <= from || to <= owner.from);
    owners.push({ value: op.name, from, to });
  }
  const output = owners.find((owner) => owner.value === network.output);
  return output?.from === outputOffset ? lost : [...lost, 'the output is not where it is read'];
}

describe.each(networks)('the plan of $name', ({ network, shapes, constants, plan }) => {
  it.each([1, 2, 5])('keeps every value until its last reader, for a batch of %i', (batch) => {
    expect(lostReads(network, shapes, plan(batch))).toEqual([]);
  });

  it('needs no more memory than the largest set of tensors alive at once', () => {
    for (const batch of [1, 3, 8]) {
      const { arenaBytes, arenaLowerBoundBytes } = plan(batch);
      expect(arenaBytes / arenaLowerBoundBytes).toBe(1);
    }
  });

  it('has a layer per operator and at least a step per layer, in the order of the network', () => {
    const { layers, steps } = plan(1);
    const names = network.ops.map((op) => op.name);
    expect(layers.map((layer) => layer.name)).toEqual(names);
    expect([...new Set(steps.map((step) => step.name))]).toEqual(names);
    for (const step of steps)
      expect(Object.keys(step.args).sort()).toEqual([...step.fields].sort());
  });

  it('points into its regions only', () => {
    const { steps, arenaBytes, scratchBytes } = plan(3, 4);
    const weightOffsets = new Set(constants.values());
    for (const { name, args } of steps) {
      for (const { region, offset } of addresses(args)) {
        if (region === 'weights') expect(weightOffsets, name).toContain(offset);
        else expect(offset, name).toBeLessThan(region === 'arena' ? arenaBytes : scratchBytes);
        expect(offset % 16, name).toBe(0);
      }
    }
  });

  it('chooses the same kernels for any batch and number of threads', () => {
    const choices = ({ layers }: Plan) => layers.map(({ kernel, reason }) => [kernel, reason]);
    const single = choices(plan(1));
    expect(choices(plan(8))).toEqual(single);
    expect(choices(plan(1, 4))).toEqual(single);
  });

  it('is plain data', () => {
    const made = plan(2, 2);
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
  });
});
