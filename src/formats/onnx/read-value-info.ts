/** ONNX's ValueInfoProto, what a graph says of an input or output: name, element type, dimensions. */

import type { WireReader } from '../protobuf.ts';
import type { OnnxValueInfo } from './model.ts';

/** ValueInfoProto: name and, down through TypeProto.Tensor, element type and dimensions. */
export function readValueInfo(reader: WireReader): OnnxValueInfo {
  let name = '';
  let type: Omit<OnnxValueInfo, 'name'> = {};
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 2) type = readTensorType(reader.message());
    else reader.skip();
  }
  return { name, ...type };
}

function readTensorType(type: WireReader): Omit<OnnxValueInfo, 'name'> {
  let stated: Omit<OnnxValueInfo, 'name'> = {};
  while (type.next()) {
    if (type.field !== 1) {
      type.skip();
      continue;
    }
    const tensor = type.message();
    while (tensor.next()) {
      if (tensor.field === 1) stated = { ...stated, elementType: tensor.int() };
      else if (tensor.field === 2) stated = { ...stated, dims: readShape(tensor.message()) };
      else tensor.skip();
    }
  }
  return stated;
}

function readShape(shape: WireReader): (number | undefined)[] {
  const dims: (number | undefined)[] = [];
  while (shape.next()) {
    if (shape.field !== 1) {
      shape.skip();
      continue;
    }
    bound(shape, dims.length, 16, 'dimensions');
    const dim = shape.message();
    let value: number | undefined;
    while (dim.next()) {
      if (dim.field === 1) value = dim.int();
      else dim.skip();
    }
    dims.push(value !== undefined && value > 0 ? value : undefined);
  }
  return dims;
}

/** Refuses one more of what may be there `limit` times. */
export function bound(reader: WireReader, count: number, limit: number, what: string): void {
  if (count >= limit) reader.fail(`at most ${limit} ${what}`, 'more');
}
