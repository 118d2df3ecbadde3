/**
 * The picture decoders: WebAssembly builds of mozjpeg (libjpeg-turbo's decoder: accurate integer DCT, smooth
 * chroma upsampling) and the Rust `png` crate, from @jsquash, and jpeg-js for the JPEGs of four inks that
 * mozjpeg does not turn into RGB. Receives a whole file whose header `decode.ts` has checked; returns RGBA.
 * Throws plain errors, which `decode.ts` words.
 *
 * The build bundles this module with its decoders into one file, so that the package depends on nothing;
 * hence it imports nothing of ours. Only the command line loads it, and only for pictures.
 */

import createJpegDecoder from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import jpegWasm from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import pngWasm from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';
import decodeAnyJpeg from 'jpeg-js/lib/decoder.js';

export interface Rgba {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

interface Decoder {
  /** Checks the number of its arguments. */
  decode(bytes: Uint8Array, ...options: boolean[]): Rgba | null;
}

/** What Emscripten's factories take; a compiled module keeps them from fetching anything. */
type Factory = (options: {
  noInitialRun: boolean;
  print(text: string): void;
  printErr(text: string): void;
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ): WebAssembly.Exports;
}) => Promise<Decoder>;

/**
 * libjpeg goes on after damage, and only warns: missing pixels become grey. It tells of the first such
 * warning alone. Bytes that stand between the data and a marker, as some cameras leave them, harm nothing.
 */
const DAMAGE = /premature end|bad Huffman code|instead of RST|^Inconsistent progression/i;

/** `isMended`: its end was added, so that any warning may mean missing data. */
export function decodeJpeg(bytes: Uint8Array, isMended: boolean): Promise<Rgba> {
  // The option: whether the decoder applies the EXIF orientation. `decode.ts` does, for all formats.
  const create = createJpegDecoder as unknown as Factory;
  return decodeWith(create, jpegWasm, isMended ? /^/ : DAMAGE, bytes, false);
}

/**
 * A JPEG of four inks, CMYK or YCCK, stored inverted as Adobe's marker says. Each colour is what its ink and
 * black leave of white, (255 - C)(255 - K) / 255, as Pillow and ImageMagick compute it; a colour profile in
 * the file is not applied. Chroma that is stored at half the size is repeated, not smoothed.
 */
export async function decodeCmykJpeg(bytes: Uint8Array): Promise<Rgba> {
  const { data, width, height } = decodeAnyJpeg(bytes, {
    useTArray: true,
    formatAsRGBA: true,
    tolerantDecoding: false,
    maxResolutionInMP: MAX_CMYK_MEGAPIXELS,
    maxMemoryUsageInMB: 512,
  });
  return { data: new Uint8ClampedArray(data.buffer, data.byteOffset, data.length), width, height };
}

/** `decode.ts` has refused larger ones. */
const MAX_CMYK_MEGAPIXELS = 5;

export async function decodePng(bytes: Uint8Array): Promise<Rgba> {
  const png = await keepingImageData(() => import('@jsquash/png/codec/pkg/squoosh_png.js'));
  png.initSync(compiled(pngWasm));
  return withImageData(() => png.decode(bytes) as Rgba);
}

/**
 * A fresh instance per picture: libjpeg ends its whole program on a fatal error, so an instance that
 * has seen one cannot be used again. Instantiation takes about a millisecond.
 */
async function decodeWith(
  create: Factory,
  wasm: Uint8Array,
  damage: RegExp,
  bytes: Uint8Array,
  ...options: boolean[]
): Promise<Rgba> {
  const messages: string[] = [];
  const report = (text: string): void => {
    if (messages.length < 10) messages.push(text);
  };
  const decoder = await withImageData(() =>
    create({
      noInitialRun: true,
      print: report,
      printErr: report,
      instantiateWasm(imports, done) {
        const instance = new WebAssembly.Instance(compiled(wasm), imports);
        done(instance);
        return instance.exports;
      },
    }),
  );
  let picture: Rgba | null = null;
  try {
    picture = withImageData(() => decoder.decode(bytes, ...options));
  } catch (cause) {
    throw new Error(messages.join('; ') || 'the decoder stopped', { cause });
  }
  if (!picture || messages.some((text) => damage.test(text))) {
    throw new Error(messages.join('; ') || 'the decoder found no picture');
  }
  return picture;
}

const modules = new Map<Uint8Array, WebAssembly.Module>();

function compiled(wasm: Uint8Array): WebAssembly.Module {
  let module = modules.get(wasm);
  if (!module) {
    module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
    modules.set(wasm, module);
  }
  return module;
}

/** The one thing the decoders need of a browser. */
class PlainImageData implements Rgba {
  constructor(
    readonly data: Uint8ClampedArray,
    readonly width: number,
    readonly height: number,
  ) {}
}

/** Runs `use` while a global ImageData exists, and leaves the global object as it was. */
function withImageData<T>(use: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'ImageData');
  if (!before) Object.assign(globalThis, { ImageData: PlainImageData });
  try {
    return use();
  } finally {
    if (!before) Reflect.deleteProperty(globalThis, 'ImageData');
  }
}

/** Takes away the global ImageData that the module behind `load` leaves, if there was none. */
async function keepingImageData<T>(load: () => Promise<T>): Promise<T> {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'ImageData');
  try {
    return await load();
  } finally {
    if (!before) Reflect.deleteProperty(globalThis, 'ImageData');
  }
}
