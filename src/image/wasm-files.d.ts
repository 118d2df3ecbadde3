/** `.wasm` imports are bytes: the build's binary loader, and a plugin of the test runner, make them so. */
declare module '*.wasm' {
  const bytes: Uint8Array;
  export default bytes;
}

/** jpeg-js declares the types of its encoder and decoder together only. */
declare module 'jpeg-js/lib/decoder.js' {
  export default function decode(
    bytes: Uint8Array,
    options: {
      readonly useTArray: true;
      readonly formatAsRGBA: true;
      readonly tolerantDecoding: boolean;
      readonly maxResolutionInMP: number;
      readonly maxMemoryUsageInMB: number;
    },
  ): { data: Uint8Array<ArrayBuffer>; width: number; height: number };
}
