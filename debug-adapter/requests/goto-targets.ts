import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { noCodeAt } from '../errors.ts';
import { hex, reference } from '../registers.ts';
import { codeAddresses } from './set-breakpoints.ts';

/** DAP gotoTargets: the places where a line begins. */
export function gotoTargets(
  debuggee: Debuggee,
  { source, line }: DebugProtocol.GotoTargetsArguments,
): DebugProtocol.GotoTargetsResponse['body'] {
  const found = codeAddresses(debuggee, source, line);
  const [first] = found;
  if (first === undefined) throw noCodeAt(`${source.name ?? source.path ?? 'this source'}:${line}`);
  const here = debuggee.debugInfo.functionAt(debuggee.pc).at(-1)?.lowPc;
  return {
    targets: found.map((target) => {
      const outside = debuggee.debugInfo.functionAt(target.address).at(-1)?.lowPc !== here;
      const warning = outside ? ', in another function: its stack frame will be missing' : '';
      return {
        id: debuggee.gotoTargets.create(target.address),
        label: `${debuggee.describeAddress(target.address) ?? hex(target.address)}${warning}`,
        line: target.line,
        ...(target.column > 0 && { column: target.column }),
        instructionPointerReference: reference(target.address),
      };
    }),
  };
}
