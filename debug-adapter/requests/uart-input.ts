import type { UartInputArguments } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';

/** Request `trapline/uartInput`: bytes that the guest's UART receives, as UTF-8. */
export function uartInput(debuggee: Debuggee, { text }: UartInputArguments): void {
  debuggee.machine.console.input(new TextEncoder().encode(text));
}
