/**
 * One error class for the whole package. `code` is stable and meant for programs, `message` for
 * people: `<where>: expected X, got Y; what to do`. Messages are built only when something failed, and
 * whatever of a file they quote is printable.
 */

import { printable } from './printable.ts';

export type ErrorCode =
  /** An argument of the library is of the wrong kind or value. */
  | 'bad_argument'
  /** A picture, crop or .npy file cannot be read or has the wrong size or type. */
  | 'bad_picture'
  /** A model file (ONNX, MXNet, OpenVINO) is damaged or inconsistent. */
  | 'bad_model'
  /** A model file uses an operator or feature outside this model family. */
  | 'unsupported_operator'
  /** A preconverted weights file is damaged, does not fit its own graph, or gives numbers that are not finite. */
  | 'bad_weights'
  /** A data set file (lfw.bin, pairs.txt) is damaged. */
  | 'bad_dataset'
  /** A file or address cannot be read or written. */
  | 'io'
  /** Bytes do not have the expected SHA-256. */
  | 'integrity'
  /** The model was disposed. */
  | 'closed'
  /** The caller's AbortSignal fired. */
  | 'aborted'
  /** WebAssembly memory could not be created or grown. */
  | 'out_of_memory'
  /** A worker thread ended while it was needed. */
  | 'worker_died'
  /** This runtime lacks something that is needed (WebAssembly, SIMD). */
  | 'unsupported_runtime'
  /** The licence note of a download was not accepted. */
  | 'licence'
  /** The command line was used wrongly (exit code 2). */
  | 'usage';

/** An error with a stable `code`; `cause` holds the underlying error if there is one. */
export class ArcfaceError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message.split('\n').map(printable).join('\n'), options);
    this.name = 'ArcfaceError';
    this.code = code;
  }
}

/** Also for what throws when it is asked what it is: a revoked proxy can be thrown, too. */
export function isArcfaceError(thrown: unknown): thrown is ArcfaceError {
  try {
    return thrown instanceof ArcfaceError;
  } catch {
    return false;
  }
}
