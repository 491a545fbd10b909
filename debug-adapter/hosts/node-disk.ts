/** A file of this computer as a guest's disk. */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { HostFileError, type DiskAccess, type HostDisk } from '../host.ts';
import { fileError } from './node-file-error.ts';

// A pipe or a terminal would make open() wait for somebody at the other end; what is no file is refused below.
const { O_NONBLOCK = 0 } = constants as { readonly O_NONBLOCK?: number };

/** @throws HostFileError */
export function openDisk(path: string, access: DiskAccess): HostDisk {
  const flags = access === 'read' ? constants.O_RDONLY : constants.O_RDWR;
  let descriptor: number;
  try {
    descriptor = openSync(path, flags | O_NONBLOCK);
  } catch (cause) {
    throw fileError(cause);
  }
  const status = fstatSync(descriptor);
  if (!status.isFile()) {
    closeSync(descriptor);
    throw new HostFileError(
      status.isDirectory() ? 'directory' : 'unreadable',
      status.isDirectory() ? 'it is a folder' : 'it is no regular file',
    );
  }
  const close = closerOf(descriptor);
  const read = readerOf(descriptor);
  if (access === 'read') return { size: status.size, read, close };
  return { size: status.size, read, write: writerOf(descriptor), close };
}

function closerOf(descriptor: number): () => void {
  let isOpen = true;
  return () => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
}

/** All of the bytes, or undefined: the file may have become shorter since. */
function readerOf(descriptor: number): HostDisk['read'] {
  return (offset, length) => {
    const bytes = new Uint8Array(length);
    try {
      for (let done = 0; done < length;) {
        const count = readSync(descriptor, bytes, done, length - done, offset + done);
        if (count === 0) return undefined;
        done += count;
      }
    } catch {
      return undefined; // The guest sees an I/O error, as on a disk that fails.
    }
    return bytes;
  };
}

function writerOf(descriptor: number): NonNullable<HostDisk['write']> {
  return (offset, bytes) => {
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
      }
    } catch {
      return false;
    }
    return true;
  };
}
