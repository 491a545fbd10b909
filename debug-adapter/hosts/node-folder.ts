/**
 * A folder of this computer whose files a guest uses by semihosting. Whatever name the guest gives, nothing outside
 * of the folder is reached: names are relative, `..` is refused, and where symbolic links lead is looked at before a
 * file is touched. Only regular files can be opened, removed and renamed.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import {
  EACCES,
  EINVAL,
  EIO,
  ENOENT,
  type FileMode,
  type GuestFile,
} from '../../emulator/board/semihosting-files.ts';
import { HostFileError, type HostFolder } from '../host.ts';
import { fileError } from './node-file-error.ts';

const { O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants as {
  readonly O_NONBLOCK?: number;
  readonly O_NOFOLLOW?: number;
};
const PERMISSIONS = 0o644;

/** @throws HostFileError */
export function openFolder(folder: string): HostFolder {
  let root: string;
  try {
    root = realpathSync(folder);
    if (!statSync(root).isDirectory()) throw new HostFileError('unreadable', 'it is no folder');
  } catch (cause) {
    throw fileError(cause);
  }
  const inside = (name: string): string => locate(root, name);
  const opened = new Set<GuestFile>();
  return {
    open: (name, mode) =>
      attempt(() => {
        const file = open(root, name, mode);
        opened.add(file);
        return {
          ...file,
          close() {
            if (opened.delete(file)) file.close();
          },
        };
      }),
    remove: (name) =>
      attempt(() => {
        const file = inside(name);
        requireFile(file);
        unlinkSync(file);
        return 0;
      }),
    rename: (from, to) =>
      attempt(() => {
        const source = inside(from);
        const target = inside(to);
        requireFile(source);
        if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) requireFile(target);
        renameSync(source, target);
        return 0;
      }),
    close() {
      for (const file of opened) file.close();
      opened.clear();
    },
  };
}

/** A refusal that the guest sees. */
class Refused extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super();
    this.errno = errno;
  }
}

/** What the host refuses comes back as an errno. */
function attempt<Result>(action: () => Result): Result | number {
  try {
    return action();
  } catch (error) {
    if (error instanceof Refused) return error.errno;
    const { code } = error as NodeJS.ErrnoException;
    switch (code) {
      case 'ENOENT':
      case 'ENOTDIR':
        return ENOENT;
      case 'EACCES':
      case 'EPERM':
      case 'EROFS':
      case 'EISDIR':
      case 'ELOOP':
        return EACCES;
      default:
        return EIO;
    }
  }
}

/**
 * The path of a directory entry below `root`, whether or not it exists. Its folder is inside for certain; the
 * entry itself may still be a link.
 */
function locate(root: string, name: string): string {
  if (name === '' || name.includes('\0')) throw new Refused(EINVAL);
  const parts = name.split(/[/\\]/);
  // Also a drive of Windows, and a stream of NTFS.
  if (path.isAbsolute(name) || parts.includes('..') || (path.sep === '\\' && name.includes(':'))) {
    throw new Refused(EACCES);
  }
  const entry = path.join(root, ...parts);
  if (entry === root) throw new Refused(EACCES);
  const parent = realpathSync(path.dirname(entry));
  if (!isInside(root, parent)) throw new Refused(EACCES);
  return path.join(parent, path.basename(entry));
}

function isInside(root: string, real: string): boolean {
  const relative = path.relative(root, real);
  return relative === '' || (!path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..');
}

/** Throws for a link, a folder, a device. */
function requireFile(entry: string): void {
  if (!lstatSync(entry).isFile()) throw new Refused(EACCES);
}

function open(root: string, name: string, mode: FileMode): GuestFile {
  let entry = locate(root, name);
  const status = lstatSync(entry, { throwIfNoEntry: false });
  if (status?.isSymbolicLink() === true) {
    entry = realpathSync(entry);
    if (!isInside(root, entry)) throw new Refused(EACCES);
  }
  const access = mode.write ? (mode.read ? constants.O_RDWR : constants.O_WRONLY) : 0;
  const create = mode.create ? constants.O_CREAT : 0;
  const truncate = mode.truncate ? constants.O_TRUNC : 0;
  // The entry is no link now; O_NOFOLLOW keeps it so. A pipe must not make us wait.
  const flags = access | create | truncate | O_NOFOLLOW | O_NONBLOCK;
  const descriptor = openSync(entry, flags, PERMISSIONS);
  if (!fstatSync(descriptor).isFile()) {
    closeSync(descriptor);
    throw new Refused(EACCES);
  }
  return fileOf(descriptor);
}

function fileOf(descriptor: number): GuestFile {
  const attemptIt = <Result>(action: () => Result): Result | undefined => {
    try {
      return action();
    } catch {
      return undefined; // The guest sees an I/O error.
    }
  };
  return {
    size: () => attemptIt(() => fstatSync(descriptor).size),
    read: (offset, length) =>
      attemptIt(() => {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
      }),
    write: (offset, bytes) =>
      attemptIt(() => {
        for (let done = 0; done < bytes.length;) {
          done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
        }
        return true;
      }) ?? false,
    close() {
      attemptIt(() => {
        closeSync(descriptor);
      });
    },
  };
}
