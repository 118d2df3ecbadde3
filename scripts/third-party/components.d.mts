export interface Part {
  readonly name: string;
  readonly version?: string;
  readonly copyright: string;
  readonly texts: readonly string[];
}
export declare const PACKAGES: readonly Part[];
export declare const COMPILED: readonly Part[];
