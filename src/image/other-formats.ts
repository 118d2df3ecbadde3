/**
 * Picture files that are not read, known by their first bytes. Receives the whole file; returns what it is
 * and what to do about it, or undefined for what nobody knows.
 *
 * WebP is among them: no WebAssembly build of libwebp on npm was both small and newer than the fix of
 * CVE-2023-4863 (docs/adr/0008).
 */

interface Format {
  readonly name: string;
  readonly remedy: string;
  matches(bytes: Uint8Array): boolean;
}

const SAVE = 'save it as JPEG or PNG first';
const MAGICK = `${SAVE}, for example with ImageMagick: magick in.`;

const startsWith =
  (text: string, at = 0) =>
  (bytes: Uint8Array): boolean =>
    Array.from(text).every((char, i) => bytes[at + i] === char.charCodeAt(0));

/** ISO base media files name their kind in bytes 8 to 11. */
const ofBrand =
  (brands: RegExp) =>
  (bytes: Uint8Array): boolean =>
    startsWith('ftyp', 4)(bytes) && brands.test(String.fromCharCode(...bytes.subarray(8, 12)));

const either =
  (...tests: ((bytes: Uint8Array) => boolean)[]) =>
  (bytes: Uint8Array): boolean =>
    tests.some((test) => test(bytes));

/** "BM", then four bytes of size, four of 0 and the size of a header that is published. */
function isBmp(bytes: Uint8Array): boolean {
  return (
    startsWith('BM')(bytes) &&
    startsWith('\0\0\0\0', 6)(bytes) &&
    [12, 40, 52, 56, 64, 108, 124].includes(bytes[14] ?? 0)
  );
}

/** Text; what stands before the first tag may be long. */
function isSvg(bytes: Uint8Array): boolean {
  const text = String.fromCharCode(...bytes.subarray(0, 1024)).replace(/^\xef\xbb\xbf/, '');
  return /^\s*<(svg|\?xml|!--|!DOCTYPE svg)/i.test(text) && /<svg[\s>]/i.test(text);
}

function isHtml(bytes: Uint8Array): boolean {
  const text = String.fromCharCode(...bytes.subarray(0, 256)).replace(/^\xef\xbb\xbf/, '');
  return /^\s*<(!doctype html|html|head)/i.test(text);
}

/** More than one may fit: the first counts. */
const FORMATS: readonly Format[] = [
  {
    name: 'a WebP picture',
    remedy: `${SAVE}, for example with libwebp: dwebp in.webp -o out.png`,
    matches: (bytes) => startsWith('RIFF')(bytes) && startsWith('WEBP', 8)(bytes),
  },
  {
    name: 'a GIF picture',
    remedy: `${MAGICK}gif[0] out.png`,
    matches: startsWith('GIF8'),
  },
  { name: 'a BMP picture', remedy: `${MAGICK}bmp out.png`, matches: isBmp },
  {
    name: 'a raw photograph of a camera',
    remedy: `${SAVE}, with the camera maker's program or darktable`,
    matches: either(
      (bytes) => startsWith('II*\0')(bytes) && startsWith('CR', 8)(bytes),
      ofBrand(/crx /),
      startsWith('FUJIFILMCCD-RAW'),
    ),
  },
  {
    name: 'a TIFF picture (or a raw photograph)',
    remedy: `${MAGICK}tif[0] out.png`,
    matches: either(
      startsWith('II*\0'),
      startsWith('MM\0*'),
      startsWith('II+\0'),
      startsWith('MM\0+'),
    ),
  },
  {
    name: 'an AVIF picture',
    remedy: `${SAVE}, for example with libavif: avifdec in.avif out.png`,
    matches: ofBrand(/avi[fs]/),
  },
  {
    name: 'a HEIC picture',
    remedy: `${SAVE}, for example with libheif: heif-convert in.heic out.jpg`,
    matches: ofBrand(/he(i[cxms]|v[cxms])|mif1|msf1/),
  },
  {
    name: 'a JPEG XL picture',
    remedy: `${SAVE}, for example with libjxl: djxl in.jxl out.png`,
    matches: either(startsWith('\xff\x0a'), startsWith('\0\0\0\x0cJXL \r\n\x87\n')),
  },
  {
    name: 'a JPEG 2000 picture',
    remedy: `${MAGICK}jp2 out.png`,
    matches: either(startsWith('\0\0\0\x0cjP  \r\n\x87\n'), startsWith('\xff\x4f\xff\x51')),
  },
  {
    name: 'a film',
    remedy: 'take a picture out of it: ffmpeg -i in.mp4 -frames:v 1 out.png',
    matches: ofBrand(/./s),
  },
  { name: 'an SVG drawing', remedy: `${MAGICK}svg out.png`, matches: isSvg },
  { name: 'a Photoshop document', remedy: `${MAGICK}psd[0] out.png`, matches: startsWith('8BPS') },
  {
    name: 'a PDF document',
    remedy: 'take its pictures out first, for example with Poppler: pdfimages -png in.pdf out',
    matches: startsWith('%PDF'),
  },
  { name: 'a Windows icon', remedy: `${MAGICK}ico[0] out.png`, matches: startsWith('\0\0\x01\0') },
  {
    name: 'a Netpbm picture',
    remedy: `${MAGICK}ppm out.png`,
    matches: (bytes) => /^P[1-7][\s#]$/.test(String.fromCharCode(...bytes.subarray(0, 3))),
  },
  {
    name: 'an OpenEXR picture',
    remedy: `${MAGICK}exr out.png`,
    matches: startsWith('\x76\x2f\x31\x01'),
  },
  {
    name: 'a web page',
    remedy: 'was an error page saved instead of the picture?',
    matches: isHtml,
  },
  {
    name: 'a Git LFS pointer',
    remedy: 'run `git lfs pull`',
    matches: startsWith('version https://git-lfs'),
  },
];

/** `a GIF picture, which is not read; save it as ...`. */
export function describeOther(bytes: Uint8Array): string | undefined {
  const format = FORMATS.find((one) => one.matches(bytes));
  return format && `${format.name}, which is not read; ${format.remedy}`;
}
