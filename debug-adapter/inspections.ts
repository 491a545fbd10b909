/** The requests that ask or change something of a guest and answer at once, by name, with when they are allowed. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type {
  CheckAbiArguments,
  CountExecutionsArguments,
  PredictAccessArguments,
  SetAnnotationsArguments,
  SetWatchpointArguments,
  DeviceAttributeArguments,
  HostActivityArguments,
  SwitchFpPolicyArguments,
  SwitchTraceSchemeArguments,
  SwitchPolicyArguments,
  ConsoleInputArguments,
  TerminalArguments,
  WorldSwitchArguments,
} from './custom-requests.ts';
import type { Debuggee } from './debuggee.ts';
import { accessCounts } from './requests/access-counts.ts';
import { breakpointLocations } from './requests/breakpoint-locations.ts';
import { checkAbi } from './requests/check-abi.ts';
import { completions } from './requests/completions.ts';
import { countExecutions } from './requests/count-executions.ts';
import { dataBreakpointInfo } from './requests/data-breakpoint-info.ts';
import { debugResources } from './requests/debug-resources.ts';
import { disassemble } from './requests/disassemble.ts';
import { evaluate } from './requests/evaluate.ts';
import { exceptionInfo } from './requests/exception-info.ts';
import { gotoTargets } from './requests/goto-targets.ts';
import { loadedSources } from './requests/loaded-sources.ts';
import { deviceAttribute } from './requests/device-attribute.ts';
import { hostActivity, switchFpPolicy, switchTraceScheme } from './requests/host-activity.ts';
import { modules } from './requests/modules.ts';
import { predictAccess } from './requests/predict-access.ts';
import { readMemory } from './requests/read-memory.ts';
import { scopes } from './requests/scopes.ts';
import { setAnnotations } from './requests/set-annotations.ts';
import { setBreakpoints } from './requests/set-breakpoints.ts';
import { setDataBreakpoints } from './requests/set-data-breakpoints.ts';
import { setExceptionBreakpoints } from './requests/set-exception-breakpoints.ts';
import { setExpression } from './requests/set-expression.ts';
import { setFunctionBreakpoints } from './requests/set-function-breakpoints.ts';
import { setInstructionBreakpoints } from './requests/set-instruction-breakpoints.ts';
import { setVariable } from './requests/set-variable.ts';
import { removeWatchpoint, setWatchpoint } from './requests/set-watchpoint.ts';
import { source } from './requests/source.ts';
import { stackTrace } from './requests/stack-trace.ts';
import { state } from './requests/state.ts';
import { switchPolicy } from './requests/switch-policy.ts';
import { symbols } from './requests/symbols.ts';
import { threads } from './requests/threads.ts';
import { consoleInput } from './requests/console-input.ts';
import { variables } from './requests/variables.ts';
import { worldSwitch } from './requests/world-switch.ts';
import { writeMemory } from './requests/write-memory.ts';

/**
 * `stopped`: only while the guest stands still. `launched`: also while it runs, between two slices. `ever`: also of a
 * guest that has ended, whose record can still be read.
 */
export type Allowed = 'stopped' | 'launched' | 'ever';

export interface Inspection {
  readonly allowed: Allowed;
  /** The guest may be another one afterwards, so clients are told to look again. */
  readonly changesGuest?: boolean;
  /** The request replaces breakpoints and is given again to a program that was built anew. */
  readonly setsBreakpoints?: boolean;
  /** Arguments have the shape that `request-shapes.ts` demands of the command. */
  answer(debuggee: Debuggee, given: never, session: SessionFacts): object | undefined;
}

/** What answers depend on beside the guest. */
export interface SessionFacts {
  readonly running: boolean;
  readonly columnsStartAt1: boolean;
  sendBreakpoints(changed: readonly DebugProtocol.Breakpoint[]): void;
  /** A request that wakes a guest that waits for input. */
  wake(): void;
  /** The client has a terminal for the guest's serial console, or has none any more. */
  setTerminal(exists: boolean): void;
}

export const INSPECTIONS: Readonly<Record<string, Inspection>> = {
  threads: { allowed: 'launched', answer: threads },
  loadedSources: { allowed: 'launched', answer: loadedSources },
  modules: { allowed: 'launched', answer: modules },
  source: { allowed: 'launched', answer: source },
  breakpointLocations: { allowed: 'launched', answer: breakpointLocations },
  setBreakpoints: { allowed: 'launched', setsBreakpoints: true, answer: setBreakpoints },
  setFunctionBreakpoints: {
    allowed: 'launched',
    setsBreakpoints: true,
    answer: setFunctionBreakpoints,
  },
  setInstructionBreakpoints: {
    allowed: 'launched',
    setsBreakpoints: true,
    answer: setInstructionBreakpoints,
  },
  setDataBreakpoints: { allowed: 'launched', setsBreakpoints: true, answer: setDataBreakpoints },
  setExceptionBreakpoints: {
    allowed: 'launched',
    setsBreakpoints: true,
    answer: setExceptionBreakpoints,
  },
  dataBreakpointInfo: { allowed: 'launched', answer: dataBreakpointInfo },
  stackTrace: { allowed: 'stopped', answer: stackTrace },
  scopes: { allowed: 'stopped', answer: scopes },
  variables: { allowed: 'stopped', answer: variables },
  setVariable: { allowed: 'stopped', changesGuest: true, answer: setVariable },
  setExpression: { allowed: 'stopped', changesGuest: true, answer: setExpression },
  evaluate: { allowed: 'stopped', answer: evaluate },
  completions: {
    allowed: 'stopped',
    answer: (debuggee, given: DebugProtocol.CompletionsArguments, session) =>
      completions(debuggee, given, session.columnsStartAt1),
  },
  exceptionInfo: { allowed: 'stopped', answer: exceptionInfo },
  readMemory: { allowed: 'stopped', answer: readMemory },
  writeMemory: { allowed: 'stopped', changesGuest: true, answer: writeMemory },
  disassemble: { allowed: 'stopped', answer: disassemble },
  gotoTargets: { allowed: 'stopped', answer: gotoTargets },
  'trapline/state': {
    allowed: 'ever',
    answer: (debuggee, _given, session) => state(debuggee, session.running),
  },
  'trapline/worldSwitch': {
    allowed: 'ever',
    answer: (debuggee, given: WorldSwitchArguments) => worldSwitch(debuggee, given),
  },
  'trapline/accessCounts': { allowed: 'ever', answer: accessCounts },
  'trapline/debugResources': { allowed: 'ever', answer: debugResources },
  'trapline/switchPolicy': {
    allowed: 'stopped',
    changesGuest: true,
    answer(debuggee, given: SwitchPolicyArguments, session) {
      session.sendBreakpoints(switchPolicy(debuggee, given));
      return state(debuggee, session.running);
    },
  },
  'trapline/switchFpPolicy': {
    allowed: 'stopped',
    changesGuest: true,
    answer(debuggee, given: SwitchFpPolicyArguments, session) {
      switchFpPolicy(debuggee, given);
      return state(debuggee, session.running);
    },
  },
  'trapline/switchTraceScheme': {
    allowed: 'stopped',
    changesGuest: true,
    answer(debuggee, given: SwitchTraceSchemeArguments, session) {
      switchTraceScheme(debuggee, given);
      return state(debuggee, session.running);
    },
  },
  'trapline/hostActivity': {
    allowed: 'stopped',
    changesGuest: true,
    answer(debuggee, given: HostActivityArguments, session) {
      hostActivity(debuggee, given);
      return state(debuggee, session.running);
    },
  },
  'trapline/deviceAttribute': {
    allowed: 'stopped',
    changesGuest: true,
    answer: (debuggee, given: DeviceAttributeArguments) => deviceAttribute(debuggee, given),
  },
  'trapline/setWatchpoint': {
    allowed: 'launched',
    answer: (debuggee, given: SetWatchpointArguments) => setWatchpoint(debuggee, given),
  },
  'trapline/removeWatchpoint': {
    allowed: 'launched',
    answer(debuggee, given: { readonly id: number }) {
      removeWatchpoint(debuggee, given);
      return {};
    },
  },
  'trapline/symbols': { allowed: 'launched', answer: symbols },
  'trapline/predictAccess': {
    allowed: 'stopped',
    answer: (debuggee, given: PredictAccessArguments) => predictAccess(debuggee, given),
  },
  'trapline/setAnnotations': {
    allowed: 'launched',
    setsBreakpoints: true,
    answer: (debuggee, given: SetAnnotationsArguments) => setAnnotations(debuggee, given),
  },
  'trapline/checkAbi': {
    allowed: 'stopped',
    answer: (debuggee, given: CheckAbiArguments) => checkAbi(debuggee, given),
  },
  'trapline/countExecutions': {
    allowed: 'launched',
    answer: (debuggee, given: CountExecutionsArguments) => countExecutions(debuggee, given),
  },
  'trapline/consoleInput': {
    allowed: 'launched',
    answer(debuggee, given: ConsoleInputArguments, session) {
      session.wake();
      consoleInput(debuggee, given);
      return {};
    },
  },
  'trapline/terminal': {
    allowed: 'ever',
    answer(_debuggee, { exists }: TerminalArguments, session) {
      session.setTerminal(exists);
      return {};
    },
  },
};
