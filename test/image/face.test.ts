import { describe, expect, it } from 'vitest';
import { ArcfaceError } from '../../src/errors.ts';
import { FACE_INPUT_LENGTH, type Face, writeFace } from '../../src/image/face.ts';
import { HOSTILE_VALUES } from '../support/hostile-values.ts';
import { codeOf } from '../support/outcome.ts';

const PIXELS = 112 * 112;

/** Channel c of pixel i: all different for neighbours and channels. */
function value(i: number, c: number): number {
  return (i * 7 + c * 85 + (i >> 7) * 3) % 256;
}

function interleaved(order: string): Uint8Array {
  const bytes = new Uint8Array(PIXELS * order.length);
  for (let i = 0; i < PIXELS; i++) {
    for (const [k, name] of [...order].entries()) {
      bytes[i * order.length + k] = name === 'a' ? 17 : value(i, 'rgb'.indexOf(name));
    }
  }
  return bytes;
}

function planes(order: string): Float32Array {
  const floats = new Float32Array(PIXELS * 3);
  for (const [k, name] of [...order].entries()) {
    for (let i = 0; i < PIXELS; i++) floats[k * PIXELS + i] = value(i, 'rgb'.indexOf(name));
  }
  return floats;
}

function written(face: unknown, order: 'rgb' | 'bgr' = 'rgb', flip = false): Float32Array {
  const into = new Float32Array(FACE_INPUT_LENGTH).fill(Number.NaN);
  writeFace(face, into, order, flip);
  return into;
}

const size = { width: 112, height: 112 } as const;
const forms: [string, Face][] = [
  ['RGB bytes', { data: interleaved('rgb'), ...size, channels: 'rgb' }],
  ['BGR bytes', { data: interleaved('bgr'), ...size, channels: 'bgr' }],
  ['RGBA bytes', { data: interleaved('rgba'), ...size, channels: 'rgba' }],
  ['BGRA bytes', { data: interleaved('bgra'), ...size, channels: 'bgra' }],
  [
    'clamped RGB bytes',
    { data: Uint8ClampedArray.from(interleaved('rgb')), ...size, channels: 'rgb' },
  ],
  ['a Node Buffer', { data: Buffer.from(interleaved('rgb')), ...size, channels: 'rgb' }],
  ['RGB floats', { data: Float32Array.from(interleaved('rgb')), ...size, channels: 'rgb' }],
  ['ImageData', { data: Uint8ClampedArray.from(interleaved('rgba')), ...size }],
  ['NCHW RGB', { data: planes('rgb'), layout: 'nchw', channels: 'rgb' }],
  ['NCHW BGR', { data: planes('bgr'), layout: 'nchw', channels: 'bgr' }],
];

describe('writeFace', () => {
  it.each(forms)('writes %s as NHWC with channel stride 4', (_, face) => {
    const into = written(face);
    for (let i = 0; i < PIXELS; i++) {
      const pixel = [...into.subarray(4 * i, 4 * i + 4)];
      expect(pixel, `pixel ${i}`).toEqual([value(i, 0), value(i, 1), value(i, 2), 0]);
    }
  });

  it.each(forms)('reverses the channels of %s for a network that expects BGR', (_, face) => {
    const [rgb, bgr] = [written(face), written(face, 'bgr')];
    for (let i = 0; i < into4(rgb); i++) {
      expect([bgr[4 * i], bgr[4 * i + 1], bgr[4 * i + 2], bgr[4 * i + 3]], `pixel ${i}`).toEqual([
        rgb[4 * i + 2],
        rgb[4 * i + 1],
        rgb[4 * i],
        0,
      ]);
    }
  });

  it.each(forms)('mirrors %s left to right', (_, face) => {
    const [straight, mirrored] = [written(face), written(face, 'rgb', true)];
    for (const y of [0, 1, 57, 111]) {
      for (let x = 0; x < 112; x++) {
        const [a, b] = [4 * (112 * y + x), 4 * (112 * y + 111 - x)];
        expect([...mirrored.subarray(a, a + 4)]).toEqual([...straight.subarray(b, b + 4)]);
      }
    }
  });

  const rgb = interleaved('rgb');
  const withValue = (at: number, v: number): Float32Array => {
    const floats = Float32Array.from(rgb);
    floats[at] = v;
    return floats;
  };
  it.each<[string, unknown, RegExp]>([
    ['null', null, /got null/],
    ['a text', 'face.jpg', /got 'face.jpg'/],
    ['an empty object', {}, /got an object with no keys/],
    ['bare bytes', rgb, /face: expected ImageData/],
    [
      'a larger picture',
      { data: rgb, width: 250, height: 200, channels: 'rgb' },
      /112x112 crop, got 250x200; align/,
    ],
    [
      'a size given as text',
      { data: rgb, width: '112', height: 112, channels: 'rgb' },
      /got '112'x112/,
    ],
    [
      'too few bytes',
      { data: rgb.subarray(1), ...size, channels: 'rgb' },
      /expected 37632 values.*got 37631/,
    ],
    ['RGBA bytes called RGB', { data: interleaved('rgba'), ...size, channels: 'rgb' }, /got 50176/],
    ['RGB bytes without channels', { data: rgb, ...size }, /channels: expected .* got nothing/],
    [
      'RGBA bytes that could be BGRA',
      { data: interleaved('rgba'), ...size },
      /channels: expected .* got nothing/,
    ],
    ['an unknown channel order', { data: rgb, ...size, channels: 'gbr' }, /got 'gbr'/],
    [
      'a key of Object.prototype as channels',
      { data: rgb, ...size, channels: 'toString' },
      /got 'toString'/,
    ],
    [
      'doubles',
      { data: Float64Array.from(rgb), ...size, channels: 'rgb' },
      /got a Float64Array of 37632/,
    ],
    ['a plain array', { data: [...rgb], ...size, channels: 'rgb' }, /got an array of 37632/],
    ['NaN', { data: withValue(100, Number.NaN), ...size, channels: 'rgb' }, /data\[100\].*got NaN/],
    [
      'infinity',
      { data: withValue(37631, Number.POSITIVE_INFINITY), ...size, channels: 'rgb' },
      /data\[37631\].*got Infinity/,
    ],
    [
      'NCHW with NaN',
      { data: planes('rgb').fill(Number.NaN, 5, 6), layout: 'nchw', channels: 'rgb' },
      /data\[5\].*got NaN/,
    ],
    [
      'a value below 0',
      { data: withValue(37630, -1.01), ...size, channels: 'rgb' },
      /data\[37630\].*from 0 to 255, got -1.0/,
    ],
    [
      'a value above 255',
      { data: withValue(0, 256.5), ...size, channels: 'rgb' },
      /data\[0\].*from 0 to 255, got 256.5/,
    ],
    [
      'floats scaled to -1..1',
      { data: planes('rgb').map((v) => (v - 127.5) / 127.5), layout: 'nchw', channels: 'rgb' },
      /face.data: expected raw values from 0 to 255, got none above 1/,
    ],
    [
      'floats scaled to 0..1',
      { data: withValue(0, 255).map((v) => v / 255), ...size, channels: 'rgb' },
      /face.data: expected raw values from 0 to 255, got none above 1/,
    ],
    [
      'floats with the mean and deviation of a data set taken off',
      { data: planes('rgb').map((v) => (v / 255 - 0.45) / 0.22), layout: 'nchw', channels: 'rgb' },
      /from 0 to 255, got -2/,
    ],
    [
      'NCHW bytes',
      { data: rgb, layout: 'nchw', channels: 'rgb' },
      /Float32Array with layout 'nchw', got a Uint8Array/,
    ],
    [
      'NCHW of another size',
      { data: new Float32Array(3 * 160 * 160), layout: 'nchw', channels: 'rgb' },
      /expected 37632 values.*got 76800/,
    ],
    [
      'NCHW without channels',
      { data: planes('rgb'), layout: 'nchw' },
      /'rgb' or 'bgr' with layout 'nchw'/,
    ],
    ['an unknown layout', { data: rgb, ...size, channels: 'rgb', layout: 'nhwc' }, /got 'nhwc'/],
  ])('refuses %s and says what it got', (_, face, message) => {
    expect(() => written(face)).toThrow(message);
    try {
      written(face);
    } catch (error) {
      expect(error).toBeInstanceOf(ArcfaceError);
      expect((error as ArcfaceError).code).toBe('bad_picture');
    }
  });

  it.each<[string, Float32Array]>([
    ['all black', new Float32Array(3 * PIXELS)],
    ['nearly black', planes('rgb').map((v) => v % 2)],
    [
      'one bright pixel on interpolated black',
      new Float32Array(3 * PIXELS).fill(0.3).fill(9, 7, 8),
    ],
    ['overshot by interpolation', planes('rgb').fill(-0.2, 0, 9).fill(255.3, 50, 60)],
  ])('accepts floats that are %s', (_, data) => {
    const into = written({ data, layout: 'nchw', channels: 'rgb' });
    expect(into[4 * 7]).toBe(data[7]);
  });

  it('ignores alpha, whatever it is', () => {
    const data = Float32Array.from(interleaved('rgba'));
    for (let i = 3; i < data.length; i += 4) data[i] = Number.NaN;
    expect(written({ data, ...size, channels: 'rgba' })).toEqual(
      written({ data: interleaved('rgba'), ...size, channels: 'rgba' }),
    );
  });

  it.each(HOSTILE_VALUES)(
    'refuses %s, and a face with it anywhere, with a coded error',
    (_, make) => {
      expect(codeOf(() => written(make()))).toBe('bad_picture');
      const [clamped, planar] = [Uint8ClampedArray.from(interleaved('rgba')), planes('rgb')];
      const faces: object[] = [
        { data: rgb, ...size, channels: 'rgb' },
        { data: clamped, ...size },
        { data: planar, layout: 'nchw', channels: 'rgb' },
      ];
      for (const face of faces) {
        for (const key of ['data', 'width', 'height', 'channels', 'layout']) {
          const codes = [
            codeOf(() => written({ ...face, [key]: make() })),
            codeOf(() =>
              written(Object.defineProperty({ ...face }, key, { get: () => raise(make()) })),
            ),
          ];
          const isUnread = 'layout' in face && (key === 'width' || key === 'height');
          expect(codes).toEqual([isUnread ? 'read' : 'bad_picture', 'bad_picture']);
        }
      }
    },
  );

  it('takes a subclass that lies about its length for what it holds', () => {
    class Longer extends Uint8Array {
      override get length(): number {
        return 3 * PIXELS;
      }
    }
    const short = { data: new Longer(3), ...size, channels: 'rgb' };
    expect(() => written(short)).toThrow(/expected 37632 values.*got 3;/);
    const whole = { data: new Longer(rgb), ...size, channels: 'rgb' };
    expect(written(whole)).toEqual(written({ data: rgb, ...size, channels: 'rgb' }));
  });

  it('counts a buffer that shrinks while the face is read as what is left of it', () => {
    const buffer = resizable(3 * PIXELS);
    const data = new Uint8Array(buffer);
    const face = {
      data,
      get width() {
        buffer.resize(300);
        return 112;
      },
      height: 112,
      channels: 'rgb',
    };
    expect(() => written(face)).toThrow(/expected 37632 values.*got 300;/);
  });

  it('takes shared memory, and a window of it', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(3 * PIXELS + 8), 8);
    shared.set(rgb);
    const expected = written({ data: rgb, ...size, channels: 'rgb' });
    expect(written({ data: shared, ...size, channels: 'rgb' })).toEqual(expected);
  });

  it('refuses a misspelt `channels`, which bytes would otherwise do without', () => {
    const data = Uint8ClampedArray.from(interleaved('bgra'));
    for (const key of ['channel', 'chanels', 'Channels']) {
      const face = { data, ...size, [key]: 'bgra' };
      expect(() => written(face)).toThrow(`face: got "${key}"; did you mean channels?`);
    }
    const noted = { data, ...size, channels: 'bgra', score: 0.9, chanel: 'x' };
    expect(codeOf(() => written(noted))).toBe('read');
  });

  it('refuses a detached buffer', () => {
    const data = interleaved('rgb');
    structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
    expect(() => written({ data, ...size, channels: 'rgb' })).toThrow(/got 0/);
  });
});

function into4(a: Float32Array): number {
  return a.length / 4;
}

function raise(thrown: unknown): never {
  throw thrown;
}

function resizable(bytes: number): ArrayBuffer & { resize(length: number): void } {
  const Buffer = ArrayBuffer as unknown as new (length: number, options: object) => never;
  return new Buffer(bytes, { maxByteLength: 2 * bytes });
}
