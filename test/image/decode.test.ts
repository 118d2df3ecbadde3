import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ArcfaceError } from '../../src/errors.ts';
import { decodePicture } from '../../src/image/decode.ts';

interface Fixture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly sha256: string;
  readonly base64: string;
}

const fixtures = JSON.parse(
  readFileSync(new URL('../fixtures/pictures.json', import.meta.url), 'utf8'),
) as { pictures: Fixture[]; animation: string; cmyk: string };

function bytesOf(name: string): Uint8Array {
  const fixture = fixtures.pictures.find((f) => f.name === name);
  if (!fixture) throw new Error(`no fixture ${name}`);
  return new Uint8Array(Buffer.from(fixture.base64, 'base64'));
}

function rgbOf(rgba: Uint8ClampedArray): Uint8Array {
  return Uint8Array.from(
    { length: (rgba.length / 4) * 3 },
    (_, i) => rgba[Math.floor(i / 3) * 4 + (i % 3)] as number,
  );
}

async function refusal(bytes: Uint8Array): Promise<ArcfaceError> {
  const error: unknown = await decodePicture(bytes, 'face.jpg').then(
    () => new Error('the picture was decoded'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ArcfaceError);
  expect((error as ArcfaceError).code).toBe('bad_picture');
  expect((error as ArcfaceError).message).toMatch(/^face\.jpg: /);
  return error as ArcfaceError;
}

describe('decodePicture', () => {
  it.each(fixtures.pictures)(
    'decodes $name to the pixels of libjpeg-turbo, libpng or libwebp',
    async (fixture) => {
      const picture = await decodePicture(bytesOf(fixture.name));
      expect([picture.width, picture.height, picture.channels]).toEqual([
        fixture.width,
        fixture.height,
        'rgba',
      ]);
      expect(createHash('sha256').update(rgbOf(picture.data)).digest('hex')).toBe(fixture.sha256);
    },
  );

  it('leaves the global object as it was', async () => {
    const before = Object.getOwnPropertyNames(globalThis).sort();
    for (const name of ['JPEG 4:2:0', 'PNG RGB', 'WebP lossy']) await decodePicture(bytesOf(name));
    expect(Object.getOwnPropertyNames(globalThis).sort()).toEqual(before);
  });

  it('decodes pictures of all formats at the same time', async () => {
    const names = ['JPEG 4:2:0', 'PNG RGB', 'WebP lossless', 'PNG grey', 'JPEG grey', 'WebP lossy'];
    const alone = [];
    for (const name of names) alone.push(await decodePicture(bytesOf(name)));
    expect(await Promise.all(names.map((name) => decodePicture(bytesOf(name))))).toEqual(alone);
  });
});

/** Inserts an APP1 segment with nothing but the orientation behind the start-of-image marker. */
function withOrientation(jpeg: Uint8Array, orientation: number, order: 'II' | 'MM'): Uint8Array {
  const tiff = Buffer.alloc(8 + 2 + 12 + 4);
  const [u16, u32] =
    order === 'II'
      ? [tiff.writeUInt16LE.bind(tiff), tiff.writeUInt32LE.bind(tiff)]
      : [tiff.writeUInt16BE.bind(tiff), tiff.writeUInt32BE.bind(tiff)];
  tiff.write(order, 'latin1');
  u16(42, 2);
  u32(8, 4);
  u16(1, 8);
  u16(0x0112, 10);
  u16(3, 12);
  u32(1, 14);
  u16(orientation, 18);
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, 2 + 6 + tiff.length]);
  return Buffer.concat([head, Buffer.from('Exif\0\0', 'latin1'), tiff, jpeg.subarray(2)]);
}

describe('EXIF orientation', () => {
  // Where the stored picture's top left corner and its top right corner are seen, from the Exif
  // standard's words: "the 0th row is the visual <side>, the 0th column is the visual <side>".
  const corners: [number, string, string][] = [
    [1, 'top left', 'top right'],
    [2, 'top right', 'top left'],
    [3, 'bottom right', 'bottom left'],
    [4, 'bottom left', 'bottom right'],
    [5, 'top left', 'bottom left'],
    [6, 'top right', 'bottom right'],
    [7, 'bottom right', 'top right'],
    [8, 'bottom left', 'top left'],
  ];
  const at = (
    picture: { data: Uint8ClampedArray; width: number; height: number },
    corner: string,
  ): number[] => {
    const x = corner.endsWith('left') ? 0 : picture.width - 1;
    const y = corner.startsWith('top') ? 0 : picture.height - 1;
    return [...picture.data.subarray(4 * (y * picture.width + x)).subarray(0, 4)];
  };

  it.each(corners)(
    '%i puts the stored top left corner %s and the top right corner %s',
    async (orientation, first, second) => {
      const jpeg = bytesOf('JPEG 4:2:0');
      const stored = await decodePicture(jpeg);
      const corners = ['top left', 'top right', 'bottom left', 'bottom right'].map((c) =>
        at(stored, c).join(),
      );
      expect(new Set(corners).size, 'the four corners differ').toBe(4);
      for (const order of ['II', 'MM'] as const) {
        const picture = await decodePicture(withOrientation(jpeg, orientation, order));
        expect([picture.width, picture.height]).toEqual(orientation < 5 ? [37, 29] : [29, 37]);
        expect(at(picture, first)).toEqual(at(stored, 'top left'));
        expect(at(picture, second)).toEqual(at(stored, 'top right'));
        expect([...picture.data].sort()).toEqual([...stored.data].sort());
      }
    },
  );

  it.each([0, 9, 65535])('%i means upright, as every viewer takes it', async (orientation) => {
    const jpeg = bytesOf('JPEG 4:2:0');
    expect(await decodePicture(withOrientation(jpeg, orientation, 'II'))).toEqual(
      await decodePicture(jpeg),
    );
  });
});

describe('decodePicture refuses', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /got an empty file/],
    [
      'text',
      Buffer.from('this is no picture'),
      /expected a JPEG, PNG or WebP picture, got 18 bytes/,
    ],
    ['an animation', Buffer.from(fixtures.animation, 'base64'), /one picture, got an animation/],
    ['CMYK, which has no defined RGB', Buffer.from(fixtures.cmyk, 'base64'), /the decoder says/],
  ])('%s', async (_, bytes, message) => {
    expect((await refusal(bytes)).message).toMatch(message);
  });

  it.each(['JPEG 4:2:0', 'JPEG 4:4:4, progressive', 'PNG palette', 'WebP lossy', 'WebP lossless'])(
    '%s when it is cut off at any byte',
    async (name) => {
      const bytes = bytesOf(name);
      for (let end = 0; end < bytes.length; end++) await refusal(bytes.subarray(0, end));
    },
  );

  it('a PNG with any bit of its data changed', async () => {
    const bytes = bytesOf('PNG palette');
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      await refusal(damaged);
    }
  });

  it('never fails in another way when bytes are changed', async () => {
    let state = 12345;
    const random = (n: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    for (const name of ['JPEG 4:2:0', 'JPEG 4:4:4, progressive', 'WebP lossy', 'WebP lossless']) {
      const bytes = bytesOf(name);
      for (let round = 0; round < 60; round++) {
        const damaged = bytes.slice();
        for (let k = 0; k < 3; k++) damaged[random(bytes.length)] = random(256);
        await decodePicture(damaged, 'face.jpg').catch((error: unknown) => {
          expect(error, `seed 12345, ${name}, round ${round}`).toBeInstanceOf(ArcfaceError);
        });
      }
    }
  });

  it.each(['JPEG 4:2:0', 'PNG RGB', 'WebP lossless'])(
    '%s of a huge size before anything is allocated',
    async (name) => {
      const bytes = bytesOf(name);
      const view = new DataView(bytes.buffer);
      if (name.startsWith('JPEG')) {
        const frame = Buffer.from(bytes).indexOf(Buffer.from([0xff, 0xc0]));
        view.setUint16(frame + 5, 65535);
        view.setUint16(frame + 7, 65535);
      } else if (name.startsWith('PNG')) {
        view.setUint32(16, 0x7fffffff);
        view.setUint32(20, 0x7fffffff);
        view.setUint32(29, crc32(bytes.subarray(12, 29)));
      } else {
        bytes.fill(0xff, 21, 24);
        bytes[24] = 0x0f | ((bytes[24] as number) & 0xf0);
      }
      expect((await refusal(bytes)).message).toMatch(/at most 67108864 pixels, got \d+x\d+/);
    },
  );
});

/** Bit by bit, from the definition. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
