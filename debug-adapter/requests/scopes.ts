import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import type { FunctionFrame } from '../stack/frames.ts';
import type { VariableContainer } from '../variables/container.ts';
import { debugRegisterContainer, HypervisorContainer } from '../variables/hypervisor.ts';
import { InterruptsContainer } from '../variables/interrupts.ts';
import {
  frameRegisters,
  guestRegisters,
  NamedContainers,
  RegisterList,
  type RegisterAccess,
} from '../variables/registers.ts';
import { VariableList } from '../variables/values.ts';

/** DAP scopes. Registers, and what is below them, are `expensive`: they open when somebody opens them. */
export function scopes(
  debuggee: Debuggee,
  { frameId }: DebugProtocol.ScopesArguments,
): DebugProtocol.ScopesResponse['body'] {
  const frame = debuggee.frame(frameId);
  const result: DebugProtocol.Scope[] = [];
  const add = (
    name: string,
    container: VariableContainer,
    more: Partial<DebugProtocol.Scope> = {},
  ): void => {
    result.push({
      name,
      variablesReference: debuggee.containers.create(container),
      expensive: false,
      ...(container.namedCount !== undefined && { namedVariables: container.namedCount }),
      ...more,
    });
  };
  if (frame.kind === 'function') addVariables(debuggee, frame, add);
  addMachine(debuggee, registerAccess(debuggee, frame), add);
  return { scopes: result };
}

type Add = (
  name: string,
  container: VariableContainer,
  more?: Partial<DebugProtocol.Scope>,
) => void;

function addVariables(debuggee: Debuggee, frame: FunctionFrame, add: Add): void {
  const { debugInfo } = debuggee;
  const context = debuggee.contextOf(frame);
  const { lookupPc } = frame.machineFrame;
  const variables = debugInfo.variablesAt(lookupPc, frame.inlineDepth);
  const locals = variables.filter(({ isArgument }) => !isArgument);
  const given = variables.filter(({ isArgument }) => isArgument);
  if (locals.length > 0 || (given.length === 0 && frame.function !== undefined)) {
    add('Locals', new VariableList(locals, context, true), { presentationHint: 'locals' });
  }
  if (given.length > 0) {
    add('Arguments', new VariableList(given, context, true), { presentationHint: 'arguments' });
  }
  const globals = debugInfo.globals();
  if (globals.length > 0) {
    add('Globals', new VariableList(globals, context, false), { expensive: true });
  }
}

function addMachine(debuggee: Debuggee, access: RegisterAccess, add: Add): void {
  const { machine } = debuggee;
  const describe = (address: bigint): string | undefined => debuggee.describeAddress(address);
  const groups = machine.registerGroups();
  const list = (names: readonly string[]): RegisterList =>
    new RegisterList(names, access, describe);
  const namesOf = (kind: 'general' | 'FP/SIMD'): readonly string[] =>
    groups.filter((group) => group.kind === kind).flatMap(({ registers }) => registers);
  const expensive = { expensive: true } as const;
  add('Registers', list(namesOf('general')), { ...expensive, presentationHint: 'registers' });
  add('FP/SIMD', list(namesOf('FP/SIMD')), expensive);
  const system = groups.filter(({ kind }) => kind === 'system');
  add(
    'System registers',
    new NamedContainers(
      system.map(({ name, registers }) => ({
        name,
        value: `${registers.length} registers`,
        container: list(registers),
      })),
    ),
    expensive,
  );
  add('Interrupts', new InterruptsContainer(machine), expensive);
  add('Debug registers', debugRegisterContainer(machine, describe), expensive);
  add('Hypervisor', new HypervisorContainer(machine.kvm), expensive);
}

/** The processor's registers for the innermost frame; for its callers what the frames in between have saved. */
function registerAccess(
  { machine }: Debuggee,
  { machineFrame }: { readonly machineFrame: FunctionFrame['machineFrame'] },
): RegisterAccess {
  if (machineFrame.level === 0) return guestRegisters(machine);
  return frameRegisters(machine, (name) => {
    if (name === 'PC') return machineFrame.pc;
    if (name === 'SP') return machineFrame.register(31);
    const number = Number(name.slice(1));
    return machineFrame.register(name.startsWith('V') ? 64 + number : number);
  });
}
