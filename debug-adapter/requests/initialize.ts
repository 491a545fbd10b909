import type { DebugProtocol } from '@vscode/debugprotocol';
import { EXCEPTION_FILTERS } from '../exceptions.ts';

/** Every mode applies to what VS Code can choose one for; `data` is for clients that can do so for watchpoints too. */
const APPLIES_TO: DebugProtocol.BreakpointModeApplicability[] = ['source', 'instruction'];

const BREAKPOINT_MODES: DebugProtocol.BreakpointMode[] = [
  {
    mode: 'auto',
    label: 'Trapline: automatic',
    description: 'Breakpoints: of the machine. Watchpoints: a hardware slot while one is free.',
    appliesTo: [...APPLIES_TO, 'data'],
  },
  {
    mode: 'hw',
    label: 'Trapline: hardware slot (DBGBVR/DBGWVR)',
    description:
      'A slot of the debug registers, through the hypervisor; as many as the processor has.',
    appliesTo: [...APPLIES_TO, 'data'],
  },
  {
    mode: 'vm',
    label: 'Trapline: machine, invisible to the guest',
    description: 'Any number; the guest cannot notice them.',
    appliesTo: [...APPLIES_TO, 'data'],
  },
  {
    mode: 'sw',
    label: 'Trapline: BRK instruction in guest memory',
    description: 'Visible to a guest that reads its own code.',
    appliesTo: APPLIES_TO,
  },
];

/** DAP initialize: what this adapter can do. Each request that is claimed here has a file in this folder. */
export function initialize(): DebugProtocol.Capabilities {
  return {
    supportsConfigurationDoneRequest: true,
    supportsFunctionBreakpoints: true,
    supportsConditionalBreakpoints: true,
    supportsHitConditionalBreakpoints: true,
    supportsLogPoints: true,
    supportsEvaluateForHovers: true,
    supportsSetVariable: true,
    supportsSetExpression: true,
    supportsGotoTargetsRequest: true,
    supportsCompletionsRequest: true,
    completionTriggerCharacters: ['.', '$', '@', '_', ':', '>'],
    supportsModulesRequest: true,
    supportsRestartRequest: true,
    supportsExceptionInfoRequest: true,
    supportTerminateDebuggee: true,
    supportsDelayedStackTraceLoading: true,
    supportsLoadedSourcesRequest: true,
    supportsTerminateRequest: true,
    supportsDataBreakpoints: true,
    supportsDataBreakpointBytes: true,
    supportsReadMemoryRequest: true,
    supportsWriteMemoryRequest: true,
    supportsDisassembleRequest: true,
    supportsCancelRequest: true,
    supportsBreakpointLocationsRequest: true,
    supportsClipboardContext: true,
    supportsSteppingGranularity: true,
    supportsInstructionBreakpoints: true,
    supportsExceptionFilterOptions: true,
    supportsValueFormattingOptions: true,
    supportsANSIStyling: true,
    breakpointModes: BREAKPOINT_MODES,
    exceptionBreakpointFilters: EXCEPTION_FILTERS.map(
      ({ filter, label, description, default: isDefault }) => ({
        filter,
        label,
        description,
        default: isDefault,
        supportsCondition: true,
        conditionDescription: 'An expression, such as $FAR_EL1 < 0x1000',
      }),
    ),
  };
}
