/**
 * EXIF orientation: reads it from a TIFF structure and applies it to pixels. Damaged or absent EXIF
 * means upright, as in every viewer; nothing is refused.
 */

const ORIENTATION = 0x0112;
const SHORT = 3;
const EXIF_PREFIX = [0x45, 0x78, 0x69, 0x66, 0, 0];

/** 1..8; 1 when absent or damaged. Some writers of PNG keep JPEG's 'Exif\0\0' before the TIFF header. */
export function readExifOrientation(block: Uint8Array): number {
  const tiff = EXIF_PREFIX.every((v, i) => block[i] === v) ? block.subarray(6) : block;
  if (tiff.length < 8) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const order = view.getUint16(0);
  const isLittle = order === 0x4949;
  if ((!isLittle && order !== 0x4d4d) || view.getUint16(2, isLittle) !== 42) return 1;
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, isLittle);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i;
    if (at + 12 > tiff.length) return 1;
    if (view.getUint16(at, isLittle) !== ORIENTATION) continue;
    const value = view.getUint16(at + 8, isLittle);
    return view.getUint16(at + 2, isLittle) === SHORT && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

export interface RgbaPicture {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/**
 * Stored pixel (x, y) of the upright picture at (u, v), by orientation (Exif 2.32, 4.6.4.A):
 *
 *   1 (u, v)   2 (-u, v)   3 (-u, -v)   4 (u, -v)      same size
 *   5 (v, u)   6 (v, -u)   7 (-v, -u)   8 (-v, u)      width and height change places
 *
 * where (x, y) = (u, v) reads: column u, row v; a minus counts from the far edge.
 */
export function applyOrientation(picture: RgbaPicture, orientation: number): RgbaPicture {
  if (orientation === 1) return picture;
  const { width, height } = picture;
  const isTurned = orientation >= 5;
  const [outWidth, outHeight] = isTurned ? [height, width] : [width, height];
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const source = new Uint32Array(picture.data.slice().buffer);
  const target = new Uint32Array(source.length);
  for (let v = 0; v < outHeight; v++) {
    for (let u = 0; u < outWidth; u++) {
      const [along, down] = isTurned ? [v, u] : [u, v];
      const x = fromRight ? width - 1 - along : along;
      const y = fromBottom ? height - 1 - down : down;
      target[v * outWidth + u] = source[y * width + x] as number;
    }
  }
  return { data: new Uint8ClampedArray(target.buffer), width: outWidth, height: outHeight };
}
