export interface WasmEvidence {
  readonly sha256: string;
  readonly crates: ReadonlyMap<string, string>;
}
export declare function bundledPackages(
  root: string,
): Promise<{ readonly packages: readonly string[] }>;
export declare function readWasm(root: string, name: string, path: string): WasmEvidence;
