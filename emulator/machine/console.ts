/** The board's serial line: what the guest sends is gathered, so that callers see text and not bytes one by one. */
export class SerialConsole {
  onOutput: ((bytes: Uint8Array) => void) | undefined;
  readonly #sent: number[] = [];
  /** Where typed characters go. */
  readonly #receive: (bytes: Uint8Array) => void;

  constructor(receive: (bytes: Uint8Array) => void) {
    this.#receive = receive;
  }

  input(bytes: Uint8Array): void {
    this.#receive(bytes);
  }

  transmit(byte: number): void {
    this.#sent.push(byte);
    if (this.#sent.length >= 4096) this.flush();
  }

  /** Hands over what has been sent since the last time. */
  flush(): void {
    if (this.#sent.length === 0) return;
    const bytes = Uint8Array.from(this.#sent);
    this.#sent.length = 0;
    this.onOutput?.(bytes);
  }

  discard(): void {
    this.#sent.length = 0;
  }
}
