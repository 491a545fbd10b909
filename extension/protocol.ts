/** Requests beside the Debug Adapter Protocol, typed: what goes to the adapter, and what it answers. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type * as vscode from 'vscode';
import type {
  AccessCountsResponse,
  CheckAbiArguments,
  CheckAbiResponse,
  ComparePoliciesArguments,
  ComparePoliciesResponse,
  ConsoleInputArguments,
  CountExecutionsArguments,
  CountExecutionsResponse,
  DebugResourcesResponse,
  DeviceAttributeArguments,
  DeviceAttributeResponse,
  HostActivityArguments,
  SwitchFpPolicyArguments,
  SwitchTraceSchemeArguments,
  MigrateArguments,
  PredictAccessArguments,
  PredictAccessResponse,
  SetAnnotationsArguments,
  SetAnnotationsResponse,
  SymbolsResponse,
  SetWatchpointArguments,
  STATE_EVENT,
  StateBody,
  SwitchPolicyArguments,
  TERMINAL_OUTPUT_EVENT,
  TerminalArguments,
  WatchpointRow,
  WorldSwitchArguments,
  WorldSwitchResponse,
} from '../debug-adapter/custom-requests.ts';

export const DEBUG_TYPE = 'trapline';

export const stateEvent: typeof STATE_EVENT = 'trapline/state';
export const terminalOutputEvent: typeof TERMINAL_OUTPUT_EVENT = 'trapline/terminalOutput';

interface Requests {
  'trapline/worldSwitch': [WorldSwitchArguments, WorldSwitchResponse];
  'trapline/state': [undefined, StateBody];
  'trapline/accessCounts': [undefined, AccessCountsResponse];
  'trapline/switchPolicy': [SwitchPolicyArguments, StateBody];
  'trapline/comparePolicies': [ComparePoliciesArguments, ComparePoliciesResponse];
  'trapline/debugResources': [undefined, DebugResourcesResponse];
  'trapline/switchFpPolicy': [SwitchFpPolicyArguments, StateBody];
  'trapline/switchTraceScheme': [SwitchTraceSchemeArguments, StateBody];
  'trapline/hostActivity': [HostActivityArguments, StateBody];
  'trapline/deviceAttribute': [DeviceAttributeArguments, DeviceAttributeResponse];
  'trapline/migrate': [MigrateArguments, unknown];
  'trapline/setWatchpoint': [SetWatchpointArguments, WatchpointRow];
  'trapline/removeWatchpoint': [{ readonly id: number }, unknown];
  'trapline/consoleInput': [ConsoleInputArguments, unknown];
  'trapline/terminal': [TerminalArguments, unknown];
  'trapline/symbols': [undefined, SymbolsResponse];
  'trapline/predictAccess': [PredictAccessArguments, PredictAccessResponse];
  'trapline/setAnnotations': [SetAnnotationsArguments, SetAnnotationsResponse];
  'trapline/checkAbi': [CheckAbiArguments, CheckAbiResponse];
  'trapline/countExecutions': [CountExecutionsArguments, CountExecutionsResponse];
  dataBreakpointInfo: [
    DebugProtocol.DataBreakpointInfoArguments,
    DebugProtocol.DataBreakpointInfoResponse['body'],
  ];
  loadedSources: [undefined, DebugProtocol.LoadedSourcesResponse['body']];
  evaluate: [DebugProtocol.EvaluateArguments, DebugProtocol.EvaluateResponse['body']];
  disassemble: [
    DebugProtocol.DisassembleArguments,
    NonNullable<DebugProtocol.DisassembleResponse['body']>,
  ];
}

/** Rejects with the adapter's sentence when the adapter refuses. */
export async function request<Name extends keyof Requests>(
  session: vscode.DebugSession,
  name: Name,
  requestArguments: Requests[Name][0],
): Promise<Requests[Name][1]> {
  return (await session.customRequest(name, requestArguments)) as Requests[Name][1];
}
