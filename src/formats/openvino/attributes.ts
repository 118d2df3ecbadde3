/**
 * Attributes of OpenVINO layers: text -> values, with the layer's default where absent. Refuses what is
 * no such value. Also how messages name a layer, and the two kinds of refusals.
 */

import { ArcfaceError } from '../../errors.ts';
import type { IrLayer } from './ir.ts';

/** 'OpenVINO Convolution "conv0"': how messages name a layer. */
export function nameOf(layer: IrLayer): string {
  return `OpenVINO ${layer.type.slice(0, 64)} ${JSON.stringify(layer.name.slice(0, 128))}`;
}

export function badModel(layer: IrLayer, expected: string, got: string): ArcfaceError {
  return new ArcfaceError('bad_model', `${nameOf(layer)}: expected ${expected}, got ${got}`);
}

/** For what a file may well mean but this model family does not use. */
export function unsupported(layer: IrLayer, expected: string, got: string): ArcfaceError {
  const shown = got.slice(0, 80);
  const message = `${nameOf(layer)}: expected ${expected}, got ${shown}`;
  return new ArcfaceError('unsupported_operator', message);
}

/** Comma-separated integers. */
export function integersOf(
  layer: IrLayer,
  key: string,
  otherwise?: readonly number[],
): readonly number[] {
  const text = layer.data.get(key);
  if (text === undefined && otherwise) return otherwise;
  const parts = text?.split(',').map((part) => part.trim()) ?? [];
  const sound = parts.length >= 1 && parts.length <= 8 && parts.every((n) => /^-?\d{1,9}$/.test(n));
  if (sound) return parts.map(Number);
  throw badModel(layer, `integers as ${key}`, JSON.stringify(text?.slice(0, 80) ?? null));
}

export function pairOf(
  layer: IrLayer,
  key: string,
  otherwise?: readonly [number, number],
): readonly [number, number] {
  const values = integersOf(layer, key, otherwise);
  if (values.length === 2) return values as readonly [number, number];
  throw badModel(layer, `two integers as ${key}`, `${values}`);
}

export function numberOf(layer: IrLayer, key: string, otherwise?: number): number {
  const text = layer.data.get(key)?.trim();
  if (text === undefined && otherwise !== undefined) return otherwise;
  const value = text ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw badModel(layer, `a number as ${key}`, JSON.stringify(text?.slice(0, 80) ?? null));
}

/** Comma-separated numbers; none where the attribute is absent or empty. */
export function numbersOf(layer: IrLayer, key: string): number[] {
  const text = layer.data.get(key)?.trim() ?? '';
  const values =
    text === '' ? [] : text.split(',').map((part) => Number(part.trim() || Number.NaN));
  if (values.every(Number.isFinite)) return values;
  throw badModel(layer, `numbers as ${key}`, JSON.stringify(text.slice(0, 80)));
}

export function flagOf(layer: IrLayer, key: string, otherwise: boolean): boolean {
  const text = layer.data.get(key)?.trim().toLowerCase();
  if (text === undefined) return otherwise;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw badModel(layer, `true or false as ${key}`, JSON.stringify(text.slice(0, 80)));
}

export function textOf(layer: IrLayer, key: string, otherwise: string): string {
  return layer.data.get(key)?.trim().toLowerCase() ?? otherwise;
}
