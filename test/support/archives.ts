/** Writes zip and tar.gz archives by hand, with switches for the damage that readers must notice. */

import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

export interface ZipEntry {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly stored?: boolean;
  /** What the directory says instead of the truth. */
  readonly lie?: {
    crc?: number;
    bytes?: number;
    packed?: number;
    offset?: number;
    method?: number;
    flags?: number;
  };
}

export function writeZip(entries: readonly ZipEntry[], comment = ''): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, bytes, stored = false, lie = {} } of entries) {
    const name = Buffer.from(path);
    const packed = stored ? Buffer.from(bytes) : deflateRawSync(bytes);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(lie.flags ?? 0, 8);
    central.writeUInt16LE(lie.method ?? (stored ? 0 : 8), 10);
    central.writeUInt32LE(lie.crc ?? crc32(bytes), 16);
    central.writeUInt32LE(lie.packed ?? packed.length, 20);
    central.writeUInt32LE(lie.bytes ?? bytes.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(lie.offset ?? offset, 42);
    locals.push(local, name, packed);
    directory.push(central, name);
    offset += local.length + name.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...locals, central, end, Buffer.from(comment)]);
}

export interface TarEntry {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** '0' file, '5' folder, 'x' extension. */
  readonly type?: string;
  readonly lie?: { size?: string; checksum?: number };
}

export function writeTar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ path, bytes, type = '0', lie = {} }) => {
    const header = Buffer.alloc(512);
    header.write(path, 0);
    header.write(lie.size ?? bytes.length.toString(8).padStart(11, '0'), 124);
    header.write(type, 156);
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${(lie.checksum ?? sum).toString(8).padStart(6, '0')}\0 `, 148);
    const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512);
    return [header, Buffer.from(bytes), padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export const writeTarGz = (entries: readonly TarEntry[]): Buffer => gzipSync(writeTar(entries));
