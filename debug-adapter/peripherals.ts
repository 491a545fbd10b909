/** What a launch configuration plugs into the board, from the host's files to the machine's options. */
import { SECTOR_BYTES } from '../emulator/devices/virtio/disk.ts';
import type { DiskArgument } from './board-arguments.ts';
import { fileNotFound, fileUnreadable, notOnThisHost } from './errors.ts';
import { HostFileError, type Host, type HostDisk, type HostFolder } from './host.ts';
import type { LaunchArguments } from './launch-arguments.ts';
import type { MachineOptions } from './machine.ts';

export interface Peripherals {
  readonly options: Pick<MachineOptions, 'virtio' | 'startTime' | 'folder'>;
  /** Closes the files. */
  readonly release: () => void;
}

/** @throws UserError that names the attribute */
export async function plugIn(arguments_: LaunchArguments, host: Host): Promise<Peripherals> {
  const { virtio, entropySeed, rtc, semihosting, consoleDevice } = arguments_;
  const folder = openFolder(semihosting.root, host);
  const images: HostDisk[] = [];
  const release = (): void => {
    for (const image of images) image.close();
    folder?.close();
  };
  try {
    for (const [n, disk] of arguments_.disks.entries()) {
      images.push(await openImage(`disks[${n}]`, disk, host));
    }
  } catch (error) {
    release();
    throw error;
  }
  return {
    options: {
      virtio: {
        version: virtio,
        console: consoleDevice === 'virtio' ? 'terminal' : undefined,
        disks: arguments_.disks.flatMap(({ writes, id }, n) => {
          const image = images[n];
          return image === undefined ? [] : [{ image, writes, id }];
        }),
        rngSeed: entropySeed,
      },
      startTime: BigInt(rtc === 'now' ? host.secondsSince1970() : rtc),
      ...(folder !== undefined && { folder }),
    },
    release,
  };
}

function openFolder(root: string | undefined, host: Host): HostFolder | undefined {
  if (root === undefined) return undefined;
  if (host.openFolder === undefined) {
    throw notOnThisHost('semihosting.root', root, 'a browser has no folders for a guest');
  }
  try {
    return host.openFolder(root);
  } catch (error) {
    failedFile('semihosting.root', root, error);
  }
}

async function openImage(attribute: string, disk: DiskArgument, host: Host): Promise<HostDisk> {
  const image = await openFile(attribute, disk, host);
  if (image.size >= SECTOR_BYTES) return image;
  image.close();
  throw fileUnreadable(
    `${attribute}.path`,
    disk.path,
    `it has ${image.size} bytes, less than a sector of ${SECTOR_BYTES}`,
  );
}

async function openFile(
  attribute: string,
  { path, writes }: DiskArgument,
  host: Host,
): Promise<HostDisk> {
  if (host.openDisk === undefined) {
    if (writes === 'writeThrough') {
      throw notOnThisHost(
        `${attribute}.writable`,
        path,
        'a browser cannot write to a disk image while the guest runs',
      );
    }
    return imageInMemory(await readOther(`${attribute}.path`, path, host));
  }
  try {
    return host.openDisk(path, writes === 'writeThrough' ? 'readWrite' : 'read');
  } catch (error) {
    failedFile(`${attribute}.path`, path, error);
  }
}

function imageInMemory(bytes: Uint8Array): HostDisk {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.slice(offset, offset + length),
    close() {
      // There is nothing to close.
    },
  };
}

/** A file that is read as a whole. @throws UserError that names the attribute */
export async function readOther(attribute: string, path: string, host: Host): Promise<Uint8Array> {
  try {
    return await host.readFile(path);
  } catch (error) {
    failedFile(attribute, path, error);
  }
}

function failedFile(attribute: string, path: string, error: unknown): never {
  if (!(error instanceof HostFileError)) throw error;
  if (error.kind === 'missing') throw fileNotFound(attribute, path);
  throw fileUnreadable(attribute, path, error.message);
}
