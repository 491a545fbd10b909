/** What a host process, worker or browser gives to the adapter. Implementations stand in `hosts/`. */
export interface Host {
  /** @throws HostFileError */
  readFile(path: string): Promise<Uint8Array>;
  isFile(path: string): Promise<boolean>;
  /** Source files below the workspace folders, absolute; for finding sources whose paths are foreign. */
  listFiles(): Promise<readonly string[]>;
  /** Undoes zlib compression (RFC 1950) into exactly `size` bytes; undefined where the host cannot. */
  readonly inflate: ((data: Uint8Array, size: number) => Uint8Array) | undefined;
  /** Undoes gzip (RFC 1952) into at most `limit` bytes; absent where the host cannot. */
  readonly gunzip?: (data: Uint8Array, limit: number) => Uint8Array;
  /** Milliseconds from any fixed moment. */
  now(): number;
  /** Calls back after messages that are already waiting were handled. */
  defer(callback: () => void): void;
  /** Calls back once after so many milliseconds. @returns cancels it */
  after(milliseconds: number, callback: () => void): () => void;
  /** For what only the developers of the adapter want to read. */
  log(text: string): void;
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
