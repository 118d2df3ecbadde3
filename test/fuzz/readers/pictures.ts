/**
 * Readers of faces and embeddings: JPEG, of three colours and of four inks, and PNG through header, decoder and
 * orientation; EXIF alone; .npy, JSON.
 */

import { readEmbedding } from '../../../src/cli/embedding-file.ts';
import { readNpy } from '../../../src/formats/npy.ts';
import { decodePicture } from '../../../src/image/decode.ts';
import { readExifOrientation } from '../../../src/image/exif.ts';
import { readPictureHeader } from '../../../src/image/picture-header.ts';
import type { Mutator } from '../mutate/choose.ts';
import { mutateNpy } from '../mutate/headers.ts';
import { mutateJson } from '../mutate/json.ts';
import { mutateJpeg, mutatePng, wearForeignHead } from '../mutate/pictures.ts';
import type { Files, Reader } from '../reader.ts';
import { embeddingSamples, npySamples, type PictureKind, pictureSamples } from './samples.ts';

const CODES = ['bad_picture', 'unsupported_operator'];

/** Four bytes a pixel of what the header states: no file says in its own bytes how large it is unpacked. */
function pixelBytes([file]: Files): number {
  try {
    const { width, height } = readPictureHeader(file as Uint8Array, 'picture');
    return width * height * 4;
  } catch {
    return 0;
  }
}

async function decode([file]: Files): Promise<void> {
  const { data, width, height } = await decodePicture(file as Uint8Array, 'picture');
  if (data.length !== width * height * 4)
    throw new Error(`${data.length} values for ${width}x${height}`);
}

function picture(name: string, format: PictureKind, mutate: Mutator): Reader {
  const samples = pictureSamples(format).map((sample) => [sample]);
  // The decoder of four inks keeps coefficients of four planes beside its pixels.
  const allowance = (files: Files): number => pixelBytes(files) * (format === 'inks' ? 12 : 1);
  const rest = {
    samples,
    mutators: [[mutate, mutate, mutate, wearForeignHead]],
    codes: CODES,
    allowance,
    read: decode,
  };
  return { name, files: [`picture.${name}`], ...rest };
}

/** A TIFF structure of two entries, in both orders of bytes. */
const EXIF = [
  '4d4d002a000000080002010e000200000002410000000112000300000001000600000000',
  '49492a00080000000100120103000100000006000000',
];

export function pictureReaders(): Reader[] {
  return [
    picture('jpeg', 'JPEG', mutateJpeg),
    picture('png', 'PNG', mutatePng),
    picture('cmyk.jpeg', 'inks', mutateJpeg),
    {
      name: 'exif',
      files: ['exif.bin'],
      samples: EXIF.map((hex) => [new Uint8Array(Buffer.from(hex, 'hex'))]),
      mutators: [[]],
      codes: [],
      read: ([block]) => {
        const orientation = readExifOrientation(block as Uint8Array);
        if (orientation >= 1 && orientation <= 8 && Number.isInteger(orientation)) return;
        throw new Error(`orientation ${orientation}`);
      },
    },
    {
      name: 'npy',
      files: ['face.npy'],
      samples: npySamples().map((sample) => [sample]),
      mutators: [[mutateNpy]],
      codes: CODES,
      read: ([file]) => {
        const { data, shape } = readNpy(file as Uint8Array);
        const count = shape.reduce((product, n) => product * n, 1);
        if (data.length !== count) throw new Error(`${data.length} values for ${shape}`);
      },
    },
    {
      name: 'embedding',
      files: ['embedding'],
      samples: embeddingSamples().map((sample) => [sample]),
      mutators: [[mutateNpy, mutateJson]],
      codes: CODES,
      read: ([file]) => {
        const stored = readEmbedding(file as Uint8Array, 'embedding');
        if (stored && stored.values.length === 0) throw new Error('an embedding of no numbers');
      },
    },
  ];
}
