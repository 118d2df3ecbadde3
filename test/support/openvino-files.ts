/** Small OpenVINO files for tests of single layers, and what a graph computes. */

import type { Imported } from '../../src/formats/imported.ts';
import { importOpenvino } from '../../src/formats/openvino/import.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';

export function embeddingOf(graph: Graph, input: Float32Array): Float64Array {
  return evaluateGraph(graph, input).get(graph.output) as Float64Array;
}

/** An IR 11 with the layers in between a parameter (id p) and a result fed by the layer `out`. */
export function irOf(layers: string, edges: string, shape = '1,3,112,112'): Uint8Array {
  return new TextEncoder().encode(`<net name="n" version="11"><layers>
    <layer id="p" name="data" type="Parameter"><data shape="${shape}" element_type="f32"/>
    <output><port id="0"/></output></layer>${layers}
    <layer id="r" name="r" type="Result"><input><port id="0"/></input></layer></layers>
    <edges>${edges}<edge from-layer="out" from-port="9" to-layer="r" to-port="0"/></edges></net>`);
}

export const PORTS = (count: number): string =>
  `<input>${Array.from({ length: count }, (_, i) => `<port id="${i}"/>`).join('')}</input>
   <output><port id="9"/></output>`;

export function edge(from: string, to: string, port = 0): string {
  const out = from === 'p' ? 0 : 9;
  return `<edge from-layer="${from}" from-port="${out}" to-layer="${to}" to-port="${port}"/>`;
}

export function constant(
  id: string,
  type: string,
  shape: string,
  offset: number,
  size: number,
): string {
  return `<layer id="${id}" name="${id}" type="Const"><data element_type="${type}" shape="${shape}"
    offset="${offset}" size="${size}"/><output><port id="9"/></output></layer>`;
}

/** One layer of one activation and perhaps one f32 constant [1, 3, 1, 1] or i64 vector. */
export function single(
  type: string,
  data = '',
  extra = '',
  bin: Uint8Array = new Uint8Array(64),
): () => Imported {
  const layer = `<layer id="out" name="odd" type="${type}"><data ${data}/>${PORTS(extra ? 2 : 1)}</layer>`;
  const edges = edge('p', 'out') + (extra ? edge('c', 'out', 1) : '');
  return () => importOpenvino(irOf(extra + layer, edges), bin);
}
