import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readFace } from '../../src/cli/read-face.ts';
import { writeNpy } from '../../src/formats/npy.ts';
import { alignFace } from '../../src/image/align.ts';
import { decodePicture } from '../../src/image/decode.ts';
import { FACE_INPUT_LENGTH, type Face, writeFace } from '../../src/image/face.ts';

const folder = mkdtempSync(join(tmpdir(), 'arcface-faces-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fixtures = JSON.parse(
  readFileSync(new URL('../fixtures/pictures.json', import.meta.url), 'utf8'),
) as { pictures: { name: string; base64: string }[] };
const png = Buffer.from(
  fixtures.pictures.find(({ name }) => name === 'PNG RGB')?.base64 as string,
  'base64',
);

function file(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

function input(face: Face): Float32Array {
  const into = new Float32Array(FACE_INPUT_LENGTH);
  writeFace(face, into, 'rgb', false);
  return into;
}

const planes = Float32Array.from({ length: 3 * 112 * 112 }, (_, i) => (i * 31) % 256);

describe('readFace', () => {
  it('reads planes from .npy, and exchanges red and blue with bgr', async () => {
    const path = file('planes.npy', writeNpy(planes, [1, 3, 112, 112]));
    const rgb = input(await readFace(path));
    const bgr = input(await readFace(path, { bgr: true }));
    expect([...rgb.subarray(0, 4)]).toEqual([planes[0], planes[12544], planes[25088], 0]);
    for (let i = 0; i < rgb.length; i += 4) {
      expect([bgr[i], bgr[i + 1], bgr[i + 2]]).toEqual([rgb[i + 2], rgb[i + 1], rgb[i]]);
    }
  });

  const landmarks = [12, 10, 24, 10.5, 18, 16, 13, 22, 23, 22.5];

  it('aligns a picture with landmarks to the very bytes of alignFace', async () => {
    const path = file('a.png', png);
    const expected = alignFace(await decodePicture(png), landmarks);
    expect(await readFace(path, { landmarks })).toEqual(expected);
    expect(input(await readFace(path, { landmarks, bgr: true }))[0]).toBe(input(expected)[2]);
  });

  it('refuses landmarks for .npy, which holds an aligned crop', async () => {
    const path = file('planes.npy', writeNpy(planes, [1, 3, 112, 112]));
    await expect(readFace(path, { landmarks })).rejects.toThrow(
      /--landmarks: expected a picture to align/,
    );
  });
});
