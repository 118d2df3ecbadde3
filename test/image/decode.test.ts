import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
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
) as {
  pictures: Fixture[];
  inks: { name: string; width: number; height: number; rgb: string; base64: string }[];
  inksWithoutAdobe: string;
  webp: string;
};

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
    'decodes $name to the pixels of libjpeg-turbo or libpng',
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
    for (const name of ['JPEG 4:2:0', 'PNG RGB']) await decodePicture(bytesOf(name));
    expect(Object.getOwnPropertyNames(globalThis).sort()).toEqual(before);
  });

  it('decodes pictures of all formats at the same time', async () => {
    const names = ['JPEG 4:2:0', 'PNG RGB', 'PNG grey', 'JPEG grey', 'JPEG 4:4:4, progressive'];
    const alone = [];
    for (const name of names) alone.push(await decodePicture(bytesOf(name)));
    expect(await Promise.all(names.map((name) => decodePicture(bytesOf(name))))).toEqual(alone);
  });
});

/** Largest and mean difference of the colours, in grey levels. */
function difference(rgba: Uint8ClampedArray, rgb: Uint8Array): { most: number; mean: number } {
  const differences = Array.from(rgbOf(rgba), (v, i) => Math.abs(v - (rgb[i] as number)));
  expect(differences).toHaveLength(rgb.length);
  return {
    most: Math.max(...differences),
    mean: differences.reduce((sum, v) => sum + v, 0) / differences.length,
  };
}

const CASE = '../shared/cases/15-cmyk-jpeg/e.jpg';
if (!existsSync(CASE)) console.warn(`${CASE} is absent: its test is skipped`);

describe('JPEGs of four inks', () => {
  // Chroma at half the size is repeated here and smoothed by libjpeg: these colours run steeply.
  it.each(fixtures.inks)('$name has the colours that Pillow gives', async (fixture) => {
    const picture = await decodePicture(Buffer.from(fixture.base64, 'base64'));
    expect([picture.width, picture.height]).toEqual([fixture.width, fixture.height]);
    const { most, mean } = difference(picture.data, Buffer.from(fixture.rgb, 'base64'));
    const isHalved = fixture.name.includes('4:2:0');
    expect(most).toBeLessThanOrEqual(isHalved ? 10 : 3);
    expect(mean).toBeLessThanOrEqual(isHalved ? 2.5 : 1);
  });

  it.skipIf(!existsSync(CASE))("a photo library's face is its colours, not inverted", async () => {
    const { data } = await decodePicture(readFileSync(CASE));
    // Pillow 9.4 and ImageMagick 6.9: the first pixel and the middle one.
    expect(difference(data.subarray(0, 4), Uint8Array.of(58, 36, 12)).most).toBeLessThanOrEqual(1);
    const middle = 4 * (56 * 112 + 56);
    const pixel = data.subarray(middle, middle + 4);
    expect(difference(pixel, Uint8Array.of(131, 84, 44)).most).toBeLessThanOrEqual(1);
  });

  it('are refused without the marker that says whether they are inverted', async () => {
    const { message } = await refusal(Buffer.from(fixtures.inksWithoutAdobe, 'base64'));
    expect(message).toMatch(/four without it.*save the picture as RGB: magick/);
  });

  it('are refused when they are larger than the decoder is for', async () => {
    const jpeg = Uint8Array.from(Buffer.from(fixtures.inks[0]?.base64 ?? '', 'base64'));
    const frame = Buffer.from(jpeg).indexOf(Buffer.from([0xff, 0xc0]));
    new DataView(jpeg.buffer).setUint16(frame + 5, 6000);
    new DataView(jpeg.buffer).setUint16(frame + 7, 6000);
    expect((await refusal(jpeg)).message).toMatch(
      /at most 4194304 pixels of CMYK, got 6000x6000.*save it as RGB/,
    );
  });
});

describe('a JPEG without its end', () => {
  const jpegs: [string, Uint8Array][] = [
    ...['JPEG 4:2:0', 'JPEG 4:4:4, progressive', 'JPEG grey', 'JPEG with restart markers'].map(
      (name): [string, Uint8Array] => [name, bytesOf(name)],
    ),
    ...fixtures.inks.map(({ name, base64 }): [string, Uint8Array] => [
      name,
      new Uint8Array(Buffer.from(base64, 'base64')),
    ]),
  ];

  it.each(jpegs)('%s: has all its pixels where only the marker is missing', async (_, whole) => {
    const picture = await decodePicture(whole);
    expect(await decodePicture(whole.subarray(0, -1))).toEqual(picture);
    expect(await decodePicture(whole.subarray(0, -2))).toEqual(picture);
  });

  it.each(jpegs)('%s: has all its pixels or is refused, wherever it ends', async (_, whole) => {
    const picture = await decodePicture(whole);
    let refused = 0;
    for (let end = 0; end < whole.length - 2; end++) {
      const cut = whole.subarray(0, end);
      const got = await decodePicture(cut, 'face.jpg').catch((error: unknown) => error);
      // Padding bits at the end may go.
      if (got instanceof ArcfaceError && got.code === 'bad_picture') refused += 1;
      else expect(got, `cut at ${end} of ${whole.length}`).toEqual(picture);
    }
    expect(refused).toBeGreaterThanOrEqual(whole.length - 6);
  });
});

describe('a damaged JPEG', () => {
  it('is refused when data between two restart markers are missing, whose pixels would be grey', async () => {
    const bytes = Buffer.from(bytesOf('JPEG with restart markers'));
    const [first, second] = [0xd0, 0xd1].map((marker) => bytes.indexOf(Buffer.of(0xff, marker)));
    expect(first).toBeGreaterThan(0);
    const without = Buffer.concat([bytes.subarray(0, first), bytes.subarray(second)]);
    expect((await refusal(new Uint8Array(without))).message).toMatch(/instead of RST/);
  });
});

describe('transparency', () => {
  /** A PNG of RGBA rows, uncompressed filters. */
  function png(width: number, height: number, rgba: Uint8Array): Uint8Array {
    const rows = Buffer.alloc(height * (1 + 4 * width));
    for (let y = 0; y < height; y++) {
      rows.set(rgba.subarray(4 * width * y, 4 * width * (y + 1)), y * (1 + 4 * width) + 1);
    }
    const size = Buffer.alloc(13);
    size.writeUInt32BE(width, 0);
    size.writeUInt32BE(height, 4);
    size.set([8, 6, 0, 0, 0], 8);
    const chunk = (type: string, body: Uint8Array): Buffer => {
      const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
      const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
      length.writeUInt32BE(body.length);
      crc.writeUInt32BE(crc32(named));
      return Buffer.concat([length, named, crc]);
    };
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
    const parts = [
      chunk('IHDR', size),
      chunk('IDAT', deflateSync(rows)),
      chunk('IEND', size.subarray(13)),
    ];
    return new Uint8Array(Buffer.concat([signature, ...parts]));
  }

  it('throughout is refused, whatever the colours under it', async () => {
    for (const colour of [0, 200]) {
      const rgba = new Uint8Array(4 * 6).map((_, i) => (i % 4 === 3 ? 0 : colour));
      expect((await refusal(png(3, 2, rgba))).message).toMatch(/transparent throughout; save it/);
    }
  });

  it('of some pixels leaves the colours as they are stored', async () => {
    const rgba = Uint8Array.of(200, 100, 50, 0, 9, 8, 7, 1, 60, 70, 80, 128, 1, 2, 3, 255);
    const { data } = await decodePicture(png(2, 2, rgba));
    expect([...data]).toEqual([...rgba]);
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
    ['text', Buffer.from('this is no picture'), /expected a JPEG or PNG picture, got 18 bytes/],
    [
      'WebP',
      Buffer.from(fixtures.webp, 'base64'),
      /got a WebP picture, which is not read; save it as JPEG or PNG first.*dwebp/,
    ],
  ])('%s', async (_, bytes, message) => {
    expect((await refusal(bytes)).message).toMatch(message);
  });

  // First bytes as the formats' specifications give them.
  it.each<[string, string | Uint8Array, RegExp]>([
    ['GIF', 'GIF89a\x0a\0\x0a\0', /a GIF picture.*magick in\.gif\[0\] out\.png/],
    ['BMP', 'BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0', /a BMP picture/],
    ['TIFF', 'II*\0\x08\0\0\0', /a TIFF picture/],
    ['TIFF, big endian', 'MM\0*\0\0\0\x08', /a TIFF picture/],
    ['CR2', 'II*\0\x10\0\0\0CR\x02\0', /a raw photograph/],
    ['AVIF', '\0\0\0\x20ftypavif\0\0\0\0avifmif1', /an AVIF picture.*avifdec/],
    ['HEIC', '\0\0\0\x24ftypheic\0\0\0\0mif1heic', /a HEIC picture.*heif-convert/],
    ['a film', '\0\0\0\x20ftypisom\0\0\x02\0isom', /a film.*ffmpeg/],
    ['JPEG XL', '\xff\x0a\xfa\x7f', /a JPEG XL picture.*djxl/],
    ['JPEG XL in boxes', '\0\0\0\x0cJXL \r\n\x87\n', /a JPEG XL picture/],
    ['JPEG 2000', '\0\0\0\x0cjP  \r\n\x87\n', /a JPEG 2000 picture/],
    ['SVG', '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', /an SVG drawing/],
    ['PSD', '8BPS\0\x01', /a Photoshop document/],
    ['PDF', '%PDF-1.7', /a PDF document.*pdfimages/],
    ['ICO', '\0\0\x01\0\x01\0', /a Windows icon/],
    ['PPM', 'P6\n2 2\n255\n', /a Netpbm picture/],
    ['an error page', '<!DOCTYPE html><html>', /a web page.*error page/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1', /git lfs pull/],
  ])('%s by its name and says what to do', async (_, start, message) => {
    const bytes = typeof start === 'string' ? Buffer.from(start, 'latin1') : start;
    expect((await refusal(new Uint8Array(bytes))).message).toMatch(message);
  });

  it('a PNG when it is cut off at any byte', async () => {
    const bytes = bytesOf('PNG palette');
    for (let end = 0; end < bytes.length; end++) await refusal(bytes.subarray(0, end));
  });

  it('a PNG with any bit of its data changed', async () => {
    const bytes = bytesOf('PNG palette');
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      await refusal(damaged);
    }
  });

  it('a JPEG that says it is larger than its bytes can hold, before a pixel is made', async () => {
    const bytes = bytesOf('JPEG 4:2:0').slice();
    const frame = Buffer.from(bytes).indexOf(Buffer.from([0xff, 0xc0]));
    new DataView(bytes.buffer).setUint16(frame + 5, 8000);
    new DataView(bytes.buffer).setUint16(frame + 7, 8000);
    const message = new RegExp(
      `at least 125000 bytes for 8000x8000.*got ${bytes.length}; it is cut off`,
    );
    expect((await refusal(bytes)).message).toMatch(message);
  });

  it('never fails in another way when bytes are changed', async () => {
    let state = 12345;
    const random = (n: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const inks = Buffer.from(fixtures.inks[1]?.base64 ?? '', 'base64');
    for (const name of ['JPEG 4:2:0', 'JPEG 4:4:4, progressive', 'JPEG of four inks']) {
      const bytes = name.endsWith('inks') ? new Uint8Array(inks) : bytesOf(name);
      for (let round = 0; round < 60; round++) {
        const damaged = bytes.slice();
        for (let k = 0; k < 3; k++) damaged[random(bytes.length)] = random(256);
        await decodePicture(damaged, 'face.jpg').catch((error: unknown) => {
          expect(error, `seed 12345, ${name}, round ${round}`).toBeInstanceOf(ArcfaceError);
        });
      }
    }
  });

  it.each(['JPEG 4:2:0', 'PNG RGB'])(
    '%s of a huge size before anything is allocated',
    async (name) => {
      const bytes = bytesOf(name);
      const view = new DataView(bytes.buffer);
      if (name.startsWith('JPEG')) {
        const frame = Buffer.from(bytes).indexOf(Buffer.from([0xff, 0xc0]));
        view.setUint16(frame + 5, 65535);
        view.setUint16(frame + 7, 65535);
      } else {
        view.setUint32(16, 0x7fffffff);
        view.setUint32(20, 0x7fffffff);
        view.setUint32(29, crc32(bytes.subarray(12, 29)));
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
