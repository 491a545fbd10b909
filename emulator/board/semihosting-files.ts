/**
 * The handles of a semihosting guest: the console, and files of the folder that the host lets it use.
 * "Semihosting for AArch32 and AArch64" (Arm), SYS_OPEN and the calls that take its handles.
 */

/** errno values that SYS_ERRNO returns. */
export const ENOENT = 2;
export const EIO = 5;
export const EBADF = 9;
export const EACCES = 13;
export const EFAULT = 14;
export const EINVAL = 22;
export const EMFILE = 24;
export const ENOSYS = 38;

/** How a file is opened. */
export interface FileMode {
  readonly read: boolean;
  readonly write: boolean;
  /** Made when it does not exist. */
  readonly create: boolean;
  /** Emptied when it does. */
  readonly truncate: boolean;
}

/** An open file of the host; all calls are synchronous. Offsets and lengths in bytes. */
export interface GuestFile {
  /** Undefined when the host cannot tell. */
  size(): number | undefined;
  /** Less than asked for at the end of the file; undefined when the host cannot read. */
  read(offset: number, length: number): Uint8Array | undefined;
  /** False when the host cannot write all of it. */
  write(offset: number, bytes: Uint8Array): boolean;
  close(): void;
}

/** The folder that a guest may use. Names are the guest's; a number is an errno, 0 for success. */
export interface GuestFolder {
  open(name: string, mode: FileMode): GuestFile | number;
  remove(name: string): number;
  rename(from: string, to: string): number;
}

/** A guest that forgets to close has no more than this. */
const MOST_OPEN = 64;
const FIRST_HANDLE = 4;

const STDIN = 1;
const STDOUT = 2;
const STDERR = 3;

/** Modes 0 to 11 of SYS_OPEN are fopen()'s r, rb, r+, r+b, w, wb, w+, w+b, a, ab, a+ and a+b. */
const READ_MODES = 4;
const WRITE_MODES = 8;
const ALL_MODES = 12;
const isUpdate = (mode: number): boolean => (mode & 2) !== 0;

/** SYS_OPEN, ":semihosting-features": the magic number, SH_EXT_EXIT_EXTENDED and SH_EXT_STDOUT_STDERR. */
const FEATURES = Uint8Array.of(0x53, 0x48, 0x46, 0x42, 0b11);

interface OpenFile {
  readonly name: string;
  readonly mode: number;
  readonly file: GuestFile;
  position: number;
}

interface SavedFile {
  readonly handle: number;
  readonly name: string;
  readonly mode: number;
  readonly position: number;
}

export class SemihostingFiles {
  readonly #folder: GuestFolder | undefined;
  readonly #open = new Map<number, OpenFile>();

  /** @param folder undefined: there is the console and nothing else */
  constructor(folder: GuestFolder | undefined) {
    this.#folder = folder;
  }

  isInput(handle: bigint): boolean {
    return handle === BigInt(STDIN);
  }
  isOutput(handle: bigint): boolean {
    return handle === BigInt(STDOUT) || handle === BigInt(STDERR);
  }
  isConsole(handle: bigint): boolean {
    return this.isInput(handle) || this.isOutput(handle);
  }

  /** @returns a handle, or the negative of an errno */
  open(name: string, mode: bigint): number {
    if (mode >= BigInt(ALL_MODES)) return -EINVAL;
    const kind = Number(mode);
    // Appending is to standard error, as SH_EXT_STDOUT_STDERR promises.
    if (name === ':tt') return kind < READ_MODES ? STDIN : kind < WRITE_MODES ? STDOUT : STDERR;
    if (this.#open.size >= MOST_OPEN) return -EMFILE;
    const file = this.#openFile(name, kind, kind >= READ_MODES && kind < WRITE_MODES);
    if (typeof file === 'number') return -file;
    let handle = FIRST_HANDLE;
    while (this.#open.has(handle)) handle += 1;
    this.#open.set(handle, { name, mode: kind, file, position: 0 });
    return handle;
  }

  #openFile(name: string, mode: number, truncate: boolean): GuestFile | number {
    if (name === ':semihosting-features') return mode < READ_MODES ? features : EACCES;
    if (this.#folder === undefined) return ENOENT;
    const isRead = mode < READ_MODES;
    return this.#folder.open(name, {
      read: isRead || isUpdate(mode),
      write: !isRead || isUpdate(mode),
      create: !isRead,
      truncate,
    });
  }

  /** @returns 0 or an errno; as of the calls below that return a number alone */
  close(handle: bigint): number {
    if (this.isConsole(handle)) return 0;
    const open = this.#file(handle);
    if (open === undefined) return EBADF;
    open.file.close();
    this.#open.delete(Number(handle));
    return 0;
  }

  /** A file that is no console. */
  isFile(handle: bigint): boolean {
    return this.#file(handle) !== undefined;
  }

  #file(handle: bigint): OpenFile | undefined {
    return this.#open.get(Number(handle));
  }

  /** Undefined: it cannot be read. */
  read(handle: bigint, length: number): Uint8Array | undefined {
    const open = this.#file(handle);
    if (open === undefined || (open.mode >= READ_MODES && !isUpdate(open.mode))) return undefined;
    const bytes = open.file.read(open.position, length);
    open.position += bytes?.length ?? 0;
    return bytes;
  }

  write(handle: bigint, bytes: Uint8Array): number {
    const open = this.#file(handle);
    if (open === undefined || (open.mode < READ_MODES && !isUpdate(open.mode))) return EBADF;
    if (open.mode >= WRITE_MODES) open.position = open.file.size() ?? open.position;
    if (!open.file.write(open.position, bytes)) return EIO;
    open.position += bytes.length;
    return 0;
  }

  seek(handle: bigint, position: bigint): number {
    const open = this.#file(handle);
    if (open === undefined) return EBADF;
    if (position > BigInt(Number.MAX_SAFE_INTEGER)) return EINVAL;
    open.position = Number(position);
    return 0;
  }

  /** Undefined for what is no file. */
  size(handle: bigint): number | undefined {
    return this.#file(handle)?.file.size();
  }

  remove(name: string): number {
    return this.#folder?.remove(name) ?? ENOSYS;
  }
  rename(from: string, to: string): number {
    return this.#folder?.rename(from, to) ?? ENOSYS;
  }

  /** As at reset: nothing is open. */
  closeAll(): void {
    for (const { file } of this.#open.values()) file.close();
    this.#open.clear();
  }

  saveState(): readonly SavedFile[] {
    return [...this.#open].map(([handle, { name, mode, position }]) => ({
      handle,
      name,
      mode,
      position,
    }));
  }

  /** Opens the files again, as they are now. One that is gone is as good as closed. */
  restoreState(state: unknown): void {
    this.closeAll();
    for (const { handle, name, mode, position } of state as readonly SavedFile[]) {
      const file = this.#openFile(name, mode, false);
      if (typeof file !== 'number') this.#open.set(handle, { name, mode, file, position });
    }
  }
}

const features: GuestFile = {
  size: () => FEATURES.length,
  read: (offset, length) => FEATURES.slice(offset, offset + length),
  write: () => false,
  close() {
    // There is nothing to close.
  },
};
