/** `.wasm` imports are bytes: the build's binary loader, and a plugin of the test runner, make them so. */
declare module '*.wasm' {
  const bytes: Uint8Array;
  export default bytes;
}
