/**
 * The bytes of a picture that is an aligned crop already, to pixels. Refuses other sizes by the picture's
 * header, before anything is decoded.
 */

import { ArcfaceError } from '../errors.ts';
import { type DecodedPicture, decodePicture } from '../image/decode.ts';
import { FACE_SIZE } from '../image/face.ts';
import { readPictureHeader } from '../image/picture-header.ts';

/** `where` names the picture in messages, `advice` says what to do about one of another size. */
export async function decodeCrop(
  bytes: Uint8Array,
  where: string,
  advice: string,
): Promise<DecodedPicture> {
  const { width, height } = readPictureHeader(bytes, where);
  if (width === FACE_SIZE && height === FACE_SIZE) return decodePicture(bytes, where);
  throw new ArcfaceError(
    'bad_picture',
    `${where}: expected an aligned ${FACE_SIZE}x${FACE_SIZE} crop, got ${width}x${height}; ${advice}`,
  );
}
