/** What the readers of one picture format return and how they refuse. */

export interface RawHeader {
  /** As stored, before the orientation is applied. */
  readonly width: number;
  readonly height: number;
  /** The EXIF block (a TIFF structure), if there is one. */
  readonly exif?: Uint8Array | undefined;
  /** A JPEG of four inks. */
  readonly isCmyk?: boolean;
  /** A JPEG whose end marker alone is missing. */
  readonly lacksEnd?: boolean;
}

/** Makes the error a reader throws: puts the file's name in front of the message. */
export type Refuse = (message: string) => Error;
