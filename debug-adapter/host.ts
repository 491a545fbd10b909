/** What a host process, worker or browser gives to the adapter. Implementations stand in `hosts/`. */
import type { GuestFolder } from '../emulator/board/semihosting-files.ts';
import type { DiskImage } from '../emulator/devices/virtio/disk.ts';

export interface Host {
  /** @throws HostFileError */
  readFile(path: string): Promise<Uint8Array>;
  isFile(path: string): Promise<boolean>;
  /** Source files below the workspace folders, absolute; for finding sources whose paths are foreign. */
  listFiles(): Promise<readonly string[]>;
  /** Undoes zlib compression (RFC 1950) into exactly `size` bytes; undefined where the host cannot. */
  readonly inflate: ((data: Uint8Array, size: number) => Uint8Array) | undefined;
  /**
   * Undoes gzip (RFC 1952) into at most `limit` bytes.
   * @throws Error for what is no gzip, damaged or larger
   */
  gunzip(data: Uint8Array, limit: number): Promise<Uint8Array>;
  /**
   * Opens a file as a disk, of which parts are read and written while the guest runs. Absent where the host
   * cannot do that: there a disk is read as a whole, and none can be written to.
   * @throws HostFileError
   */
  readonly openDisk?: (path: string, access: DiskAccess) => HostDisk;
  /**
   * The folder whose files a guest may use by semihosting; nothing outside of it can be reached by any name.
   * Absent where the host has no folders.
   * @throws HostFileError
   */
  readonly openFolder?: (path: string) => HostFolder;
  /** Milliseconds from any fixed moment. */
  now(): number;
  /** Seconds since 1970, as the host's clock has it. */
  secondsSince1970(): number;
  /** Calls back after messages that are already waiting were handled. */
  defer(callback: () => void): void;
  /** Calls back once after so many milliseconds. @returns cancels it */
  after(milliseconds: number, callback: () => void): () => void;
  /** For what only the developers of the adapter want to read. */
  log(text: string): void;
}

export type DiskAccess = 'read' | 'readWrite';

export interface HostDisk extends DiskImage {
  close(): void;
}

export interface HostFolder extends GuestFolder {
  /** Closes what the guest has left open. */
  close(): void;
}

/** Why a file could not be read, in words that complete a sentence. */
export class HostFileError extends Error {
  readonly kind: 'missing' | 'directory' | 'unreadable';

  constructor(kind: HostFileError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HostFileError';
    this.kind = kind;
  }
}
