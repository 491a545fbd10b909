/**
 * What the guest sends to its serial console, on its way to the user: with its escape sequences to a terminal, where
 * the client has one, and as plain text to the Debug Console.
 */
import type { ConsolePlace } from './board-arguments.ts';
import { GuestOutput } from './guest-output.ts';

export interface ConsoleTargets {
  /** Safe to be shown between other messages. */
  print(text: string): void;
  /** As the guest has sent it. */
  sendToTerminal(text: string): void;
}

export class ConsoleRelay {
  readonly #targets: ConsoleTargets;
  #plain = new GuestOutput();
  #decoder = new TextDecoder();
  #waiting = '';
  #hasTerminal = false;

  constructor(targets: ConsoleTargets) {
    this.#targets = targets;
  }

  /** The client has opened a terminal, or closed it. */
  set hasTerminal(hasTerminal: boolean) {
    this.flush();
    this.#hasTerminal = hasTerminal;
  }

  /** @param place `terminal` counts while there is one: nothing that a guest says gets lost */
  receive(bytes: Uint8Array, place: ConsolePlace): void {
    if (this.#hasTerminal) this.#waiting += this.#decoder.decode(bytes, { stream: true });
    if (this.#hasTerminal && place === 'terminal') return;
    const text = this.#plain.feed(bytes);
    if (text !== '') this.#targets.print(text);
  }

  /** What was received since goes to the terminal. */
  flush(): void {
    const text = this.#waiting;
    this.#waiting = '';
    if (text !== '') this.#targets.sendToTerminal(text);
  }

  /** Another guest, which finishes no sequence that the last one has begun. */
  restart(): void {
    this.flush();
    this.#plain = new GuestOutput();
    this.#decoder = new TextDecoder();
  }
}
