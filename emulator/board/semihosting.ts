/**
 * Semihosting for AArch64 ("Semihosting for AArch32 and AArch64", Arm): HLT #0xF000 with the
 * operation in W0 and a parameter, mostly the address of a block of 64-bit words, in X1.
 *
 * There are the console and, where the host gives one, the files of a folder. SYSTEM and the rest of the
 * host fail with an error code.
 */
import { EBADF, EFAULT, EIO, ENOSYS, SemihostingFiles } from './semihosting-files.ts';
import type { GuestFolder } from './semihosting-files.ts';

export const SEMIHOSTING_HLT_IMMEDIATE = 0xf000;

const SYS_OPEN = 0x01;
const SYS_CLOSE = 0x02;
const SYS_WRITEC = 0x03;
const SYS_WRITE0 = 0x04;
const SYS_WRITE = 0x05;
const SYS_READ = 0x06;
const SYS_READC = 0x07;
const SYS_ISERROR = 0x08;
const SYS_ISTTY = 0x09;
const SYS_SEEK = 0x0a;
const SYS_FLEN = 0x0c;
const SYS_TMPNAM = 0x0d;
const SYS_REMOVE = 0x0e;
const SYS_RENAME = 0x0f;
const SYS_CLOCK = 0x10;
const SYS_TIME = 0x11;
const SYS_SYSTEM = 0x12;
const SYS_ERRNO = 0x13;
const SYS_GET_CMDLINE = 0x15;
const SYS_HEAPINFO = 0x16;
const SYS_EXIT = 0x18;
const SYS_SYNCCACHE = 0x19;
const SYS_EXIT_EXTENDED = 0x20;
const SYS_ELAPSED = 0x30;
const SYS_TICKFREQ = 0x31;

const ADP_Stopped_ApplicationExit = 0x20026n;

const FAILED = -1n;
/** Longest string that WRITE0 may have before a missing NUL is assumed. */
const LONGEST_STRING = 1 << 20;
/** Longest name of a file, in bytes. */
const LONGEST_NAME = 4096;
/** What READ and WRITE move in one call, in bytes; the guest is told of the rest that was not moved. */
const LONGEST_TRANSFER = 1 << 24;
/** Bytes that are copied at a time. */
const PART = 64 << 10;

export interface SemihostingHost {
  /** Guest memory by virtual address; undefined when a byte is not readable. */
  readMemory(address: bigint, length: number): Uint8Array | undefined;
  writeMemory(address: bigint, bytes: Uint8Array): boolean;
  writeConsole(bytes: Uint8Array): void;
  /** Takes up to `limit` characters that have been typed. */
  readConsole(limit: number): Uint8Array;
  /** Instructions retired, the machine's notion of time, and how many make a second. */
  readonly ticks: bigint;
  readonly ticksPerSecond: bigint;
  /** Seconds since 1970 at reset, from the launch configuration. */
  readonly startTime: bigint;
  readonly commandLine: string;
  /** For SYS_HEAPINFO: RAM that the image does not use, and the top of RAM for the stack. */
  readonly heap: { readonly base: bigint; readonly limit: bigint };
  guestError(message: string): void;
}

export type SemihostingResult =
  /** X0 := value. */
  | { readonly kind: 'return'; readonly value: bigint }
  /** Nothing has been typed yet: repeat the call when something has. */
  | { readonly kind: 'waitForInput' }
  | { readonly kind: 'exit'; readonly status: number };

interface SemihostingState {
  readonly errno: number;
  readonly files: unknown;
}

export class Semihosting {
  #errno = 0;
  readonly #files: SemihostingFiles;

  /** @param folder whose files the guest may use; undefined: none */
  constructor(folder?: GuestFolder) {
    this.#files = new SemihostingFiles(folder);
  }

  /** As at reset; open files are closed. */
  reset(): void {
    this.#errno = 0;
    this.#files.closeAll();
  }

  call(W0: number, X1: bigint, host: SemihostingHost): SemihostingResult {
    const returns = (value: bigint): SemihostingResult => ({ kind: 'return', value });
    const fails = (errno: number): SemihostingResult => {
      this.#errno = errno;
      return returns(FAILED);
    };
    const ends = (errno: number): SemihostingResult => (errno === 0 ? returns(0n) : fails(errno));
    const block = (words: number): BigUint64Array | undefined => readWords(host, X1, words);
    switch (W0) {
      case SYS_WRITEC: {
        const byte = host.readMemory(X1, 1);
        if (byte === undefined) return fails(EFAULT);
        host.writeConsole(byte);
        return returns(0n);
      }
      case SYS_WRITE0: {
        const text = readString(host, X1);
        if (text === undefined) return fails(EFAULT);
        host.writeConsole(text);
        return returns(0n);
      }
      case SYS_READC: {
        const [byte] = host.readConsole(1);
        return byte === undefined ? { kind: 'waitForInput' } : returns(BigInt(byte));
      }
      case SYS_OPEN: {
        const [address, mode, length] = block(3) ?? [];
        const name = readName(host, address, length);
        if (name === undefined || mode === undefined) return fails(EFAULT);
        const handle = this.#files.open(name, mode);
        return handle < 0 ? fails(-handle) : returns(BigInt(handle));
      }
      case SYS_CLOSE: {
        const [handle] = block(1) ?? [];
        return handle === undefined ? fails(EFAULT) : ends(this.#files.close(handle));
      }
      case SYS_WRITE: {
        const [handle, address, length] = block(3) ?? [];
        if (handle === undefined || address === undefined || length === undefined) {
          return fails(EFAULT);
        }
        return returns(length - BigInt(this.#write(host, handle, address, length)));
      }
      case SYS_READ: {
        const [handle, address, length] = block(3) ?? [];
        if (handle === undefined || address === undefined || length === undefined) {
          return fails(EFAULT);
        }
        if (this.#files.isInput(handle)) return this.#readConsole(host, address, length, fails);
        if (!this.#files.isFile(handle)) return fails(EBADF);
        return this.#readFile(host, handle, address, length, fails);
      }
      case SYS_ISERROR: {
        const [status] = block(1) ?? [];
        if (status === undefined) return fails(EFAULT);
        return returns(BigInt.asIntN(64, status) < 0n ? 1n : 0n);
      }
      case SYS_ISTTY: {
        const [handle] = block(1) ?? [];
        if (handle === undefined) return fails(EFAULT);
        if (this.#files.isConsole(handle)) return returns(1n);
        return this.#files.isFile(handle) ? returns(0n) : fails(EBADF);
      }
      case SYS_SEEK: {
        const [handle, position] = block(2) ?? [];
        if (handle === undefined || position === undefined) return fails(EFAULT);
        return ends(this.#files.seek(handle, position));
      }
      case SYS_FLEN: {
        const [handle] = block(1) ?? [];
        const size = handle === undefined ? undefined : this.#files.size(handle);
        return size === undefined ? fails(EBADF) : returns(BigInt(size));
      }
      case SYS_REMOVE: {
        const [address, length] = block(2) ?? [];
        const name = readName(host, address, length);
        return name === undefined ? fails(EFAULT) : ends(this.#files.remove(name));
      }
      case SYS_RENAME: {
        const [from, fromLength, to, toLength] = block(4) ?? [];
        const names = [readName(host, from, fromLength), readName(host, to, toLength)] as const;
        if (names[0] === undefined || names[1] === undefined) return fails(EFAULT);
        return ends(this.#files.rename(names[0], names[1]));
      }
      case SYS_TMPNAM:
      case SYS_SYSTEM:
        return fails(ENOSYS);
      case SYS_CLOCK:
        return returns((host.ticks * 100n) / host.ticksPerSecond);
      case SYS_TIME:
        return returns(host.startTime + host.ticks / host.ticksPerSecond);
      case SYS_ERRNO:
        return returns(BigInt(this.#errno));
      case SYS_GET_CMDLINE: {
        const [address, size] = block(2) ?? [];
        if (address === undefined || size === undefined) return fails(EFAULT);
        const text = Uint8Array.from([...latin1(host.commandLine), 0]);
        if (BigInt(text.length) > size || !host.writeMemory(address, text)) return fails(EFAULT);
        return writeWords(host, X1 + 8n, [BigInt(text.length - 1)]) ? returns(0n) : fails(EFAULT);
      }
      case SYS_HEAPINFO: {
        const [address] = block(1) ?? [];
        const { base, limit } = host.heap;
        // heap base, heap limit, stack base, stack limit (0: unknown)
        return address !== undefined && writeWords(host, address, [base, limit, limit, 0n])
          ? returns(0n)
          : fails(EFAULT);
      }
      case SYS_EXIT:
      case SYS_EXIT_EXTENDED: {
        const [reason, status] = block(2) ?? [];
        if (reason === undefined || status === undefined) {
          host.guestError('SYS_EXIT: the parameter block is not readable');
          return { kind: 'exit', status: 1 };
        }
        const normal = reason === ADP_Stopped_ApplicationExit;
        return { kind: 'exit', status: normal ? Number(BigInt.asIntN(32, status)) : 1 };
      }
      case SYS_SYNCCACHE:
        return returns(0n);
      case SYS_ELAPSED:
        return writeWords(host, X1, [host.ticks]) ? returns(0n) : fails(EFAULT);
      case SYS_TICKFREQ:
        return returns(host.ticksPerSecond);
      default:
        host.guestError(`semihosting operation 0x${W0.toString(16)} is not implemented`);
        return fails(ENOSYS);
    }
  }

  /** @returns how many bytes were written; the first that was not sets errno */
  #write(host: SemihostingHost, handle: bigint, address: bigint, length: bigint): number {
    const toConsole = this.#files.isOutput(handle);
    if (!toConsole && !this.#files.isFile(handle)) {
      this.#errno = EBADF;
      return 0;
    }
    const end = Math.min(Number(length), LONGEST_TRANSFER);
    for (let done = 0; done < end;) {
      const bytes = host.readMemory(address + BigInt(done), Math.min(PART, end - done));
      if (bytes === undefined) {
        this.#errno = EFAULT;
        return done;
      }
      if (toConsole) host.writeConsole(bytes);
      else {
        const errno = this.#files.write(handle, bytes);
        if (errno !== 0) {
          this.#errno = errno;
          return done;
        }
      }
      done += bytes.length;
    }
    return end;
  }

  #readConsole(
    host: SemihostingHost,
    address: bigint,
    length: bigint,
    fails: (errno: number) => SemihostingResult,
  ): SemihostingResult {
    if (length === 0n) return { kind: 'return', value: 0n };
    const limit = Math.min(Number(length), PART);
    // What has been typed is taken only when there is a place for it.
    if (host.readMemory(address, limit) === undefined) return fails(EFAULT);
    const bytes = host.readConsole(limit);
    if (bytes.length === 0) return { kind: 'waitForInput' };
    return host.writeMemory(address, bytes)
      ? { kind: 'return', value: length - BigInt(bytes.length) }
      : fails(EFAULT);
  }

  #readFile(
    host: SemihostingHost,
    handle: bigint,
    address: bigint,
    length: bigint,
    fails: (errno: number) => SemihostingResult,
  ): SemihostingResult {
    const end = Math.min(Number(length), LONGEST_TRANSFER);
    let done = 0;
    while (done < end) {
      const bytes = this.#files.read(handle, Math.min(PART, end - done));
      if (bytes === undefined) return fails(EIO);
      if (bytes.length === 0) break;
      if (!host.writeMemory(address + BigInt(done), bytes)) return fails(EFAULT);
      done += bytes.length;
    }
    return { kind: 'return', value: length - BigInt(done) };
  }

  saveState(): SemihostingState {
    return { errno: this.#errno, files: this.#files.saveState() };
  }

  restoreState(state: unknown): void {
    const { errno, files } = state as SemihostingState;
    this.#errno = errno;
    this.#files.restoreState(files);
  }
}

function latin1(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}

function readWords(
  host: SemihostingHost,
  address: bigint,
  words: number,
): BigUint64Array | undefined {
  const bytes = host.readMemory(address, 8 * words);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return BigUint64Array.from({ length: words }, (_, index) => view.getBigUint64(8 * index, true));
}

function writeWords(host: SemihostingHost, address: bigint, words: readonly bigint[]): boolean {
  const bytes = new Uint8Array(8 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setBigUint64(8 * index, word, true);
  });
  return host.writeMemory(address, bytes);
}

/** A name of UTF-8 without its NUL, as SYS_OPEN gives it: an address and a length. */
function readName(
  host: SemihostingHost,
  address: bigint | undefined,
  length: bigint | undefined,
): string | undefined {
  if (address === undefined || length === undefined || length > LONGEST_NAME) return undefined;
  const bytes = host.readMemory(address, Number(length));
  return bytes && fromUtf8(bytes);
}

/** Undefined for what is not UTF-8. */
function fromUtf8(bytes: Uint8Array): string | undefined {
  const escaped = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  try {
    return decodeURIComponent(escaped);
  } catch {
    return undefined;
  }
}

/** Up to the NUL, which is not part of the result. */
function readString(host: SemihostingHost, address: bigint): Uint8Array | undefined {
  const found: number[] = [];
  while (found.length < LONGEST_STRING) {
    const [byte] = host.readMemory(address + BigInt(found.length), 1) ?? [];
    if (byte === undefined) return undefined;
    if (byte === 0) return Uint8Array.from(found);
    found.push(byte);
  }
  return undefined;
}
