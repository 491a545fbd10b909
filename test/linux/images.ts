/** The kernel and the initial RAM disk, as the script of samples/linux leaves them in a folder. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { isLinuxImage } from '../../emulator/board/boot.ts';

export interface LinuxImages {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
}

const KERNEL = /^(Image|vmlinuz)([.-].*)?$/;
const INITRD = /^initrd.*\.cpio(\.gz)?$/;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** The images in a folder, or a sentence that says what is missing. */
export function linuxImages(folder: string | undefined): LinuxImages | string {
  if (folder === undefined) {
    return 'Linux is not booted: set LINUX_IMAGES to a folder with its images, as the script in samples/linux makes it.';
  }
  if (!existsSync(folder)) return `Linux is not booted: there is no folder ${folder}.`;
  const names = readdirSync(folder).sort();
  const kernelName = names.find((name) => KERNEL.test(name));
  const initrdName = names.find((name) => INITRD.test(name));
  if (kernelName === undefined || initrdName === undefined) {
    const missing = kernelName === undefined ? 'kernel (Image or vmlinuz)' : 'initrd.cpio';
    return `Linux is not booted: ${folder} has no ${missing}. The script in samples/linux makes it.`;
  }
  const kernel = readMaybeZipped(join(folder, kernelName));
  if (!isLinuxImage(kernel)) {
    return `Linux is not booted: ${join(folder, kernelName)} is no arm64 Image.`;
  }
  return { kernel, initrd: readMaybeZipped(join(folder, initrdName)) };
}

function readMaybeZipped(path: string): Uint8Array {
  const bytes = readFileSync(path);
  const isZipped = GZIP_MAGIC.every((byte, n) => bytes[n] === byte);
  return new Uint8Array(isZipped ? gunzipSync(bytes) : bytes);
}
