/** A Linux that runs somewhere, as whoever sits at its serial console sees it. */

export interface LinuxSession {
  /** All that it has printed. */
  readonly output: string;
  type(text: string): void;
  /**
   * Lets it run until what it has printed since `from`, without escape sequences, matches.
   * @throws Error with the end of the output where it ends first or takes too long
   */
  waitFor(pattern: RegExp, from?: number): Promise<string>;
  /** Lets it run until it has turned itself off. */
  waitForPowerOff(): Promise<void>;
  /** Gives everything back. */
  dispose(): void;
}

/** The shell of busybox, as root, waiting for a command. */
const PROMPT = /(^|\n)[^\n]*# $/;
/** How much of the output an error shows. */
const SHOWN = 1500;

export async function bootToShell(session: LinuxSession): Promise<string> {
  return session.waitFor(PROMPT);
}

/** What a command prints. */
export async function ask(session: LinuxSession, command: string): Promise<string> {
  const from = session.output.length;
  session.type(`${command}\n`);
  const text = await session.waitFor(/\n[^\n]*# $/, from);
  const lines = text.split('\n');
  // The first line is the echo, the last one the prompt.
  return lines.slice(1, -1).join('\n');
}

/** As on a screen: escape sequences and carriage returns are gone. */
export function plain(output: string): string {
  // eslint-disable-next-line no-control-regex
  return output.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]|\r/g, '');
}

export function ending(output: string): string {
  return plain(output).slice(-SHOWN);
}
