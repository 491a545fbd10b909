import type { ConsoleInputArguments } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';

/** Request `trapline/consoleInput`: bytes that the guest's console receives, as UTF-8. */
export function consoleInput(debuggee: Debuggee, { text }: ConsoleInputArguments): void {
  debuggee.machine.console.input(new TextEncoder().encode(text));
}
