/**
 * Files for an initial RAM disk. Linux takes several archives one behind the other, so these go behind the
 * one that is there. Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
 */

export interface InitrdFile {
  /** Without a leading slash. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const MAGIC = '070701';
const EXECUTABLE = 0o100_755;
const TRAILER = 'TRAILER!!!';
/** Archives and their parts begin at multiples of this. */
const ALIGNMENT = 4;

export function withFiles(initrd: Uint8Array, files: readonly InitrdFile[]): Uint8Array {
  const parts = [initrd, padding(initrd.length)];
  files.forEach((file, index) => parts.push(...entry(file, index + 1, EXECUTABLE)));
  parts.push(...entry({ name: TRAILER, bytes: new Uint8Array() }, 0, 0));
  return new Uint8Array(Buffer.concat(parts));
}

function entry({ name, bytes }: InitrdFile, inode: number, mode: number): Uint8Array[] {
  const path = Buffer.from(`${name}\0`, 'latin1');
  const links = 1;
  const [owner, time, device, checksum] = [0, 0, 0, 0];
  const fields = [
    ...[inode, mode, owner, owner, links, time, bytes.length],
    ...[device, device, device, device, path.length, checksum],
  ];
  const header = Buffer.from(
    MAGIC + fields.map((value) => value.toString(16).toUpperCase().padStart(8, '0')).join(''),
    'latin1',
  );
  const head = Buffer.concat([header, path]);
  return [head, padding(head.length), bytes, padding(bytes.length)];
}

function padding(length: number): Uint8Array {
  return new Uint8Array((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);
}
