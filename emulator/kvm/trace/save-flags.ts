/**
 * The schemes with flags of the vCPU (5.12 to 6.13, and a proposal of 2024 as posted and as reviewed):
 * vcpu_load asks the processor what the host could be using, and each entry asks whether it does.
 */
import type { FlagWord } from '../policies/policy.ts';
import type { HostTrace, TraceScheme } from './host-trace.ts';

export const DEBUG_STATE_SAVE_SPE = 1 << 5;
export const DEBUG_STATE_SAVE_TRBE = 1 << 6;
export const DEBUG_STATE_SAVE_TRFCR = 1 << 7;
/** DEBUG_STATE_SAVE_MASK of the review: GENMASK(7, 5). */
export const DEBUG_STATE_SAVE_MASK = 7 << 5;

function set(trace: HostTrace, bits: number, name: string): void {
  trace.writeFlags('iflags', bits, true, name);
}

function clear(trace: HostTrace, bits: number, name: string): void {
  trace.writeFlags('iflags', bits, false, name);
}

function iflags(trace: HostTrace, savesTrfcr: boolean): readonly FlagWord[] {
  const has = (bits: number): boolean => (trace.iflags & bits) !== 0;
  const bits: (readonly [string, boolean])[] = Array.from({ length: 5 }, () => ['', false]);
  return [
    {
      name: 'iflags',
      width: 8,
      bits: [
        ...bits,
        ['DEBUG_STATE_SAVE_SPE', has(DEBUG_STATE_SAVE_SPE)],
        ['DEBUG_STATE_SAVE_TRBE', has(DEBUG_STATE_SAVE_TRBE)],
        savesTrfcr
          ? ['DEBUG_STATE_SAVE_TRFCR', has(DEBUG_STATE_SAVE_TRFCR)]
          : ['VCPU_HYP_CONTEXT', false],
      ],
    },
  ];
}

/** What the schemes with flags of the vCPU share. */
const shared = {
  initialise: () => undefined,
  // Drivers tell KVM nothing: it looks for itself.
  trbeEnabled: () => undefined,
  setEl1Configuration: () => undefined,

  enter(trace: HostTrace) {
    if ((trace.iflags & DEBUG_STATE_SAVE_SPE) !== 0) trace.saveSpe();
    if ((trace.iflags & DEBUG_STATE_SAVE_TRBE) !== 0) trace.saveTrbe();
  },

  exit(trace: HostTrace) {
    if ((trace.iflags & DEBUG_STATE_SAVE_SPE) !== 0) trace.restoreSpe();
    if ((trace.iflags & DEBUG_STATE_SAVE_TRBE) !== 0) trace.restoreTrbe();
  },
};

export const SAVE_FLAGS: TraceScheme = {
  ...shared,
  name: 'SAVE_FLAGS',
  description:
    'KVM 5.12 to 6.13: vcpu_load sets a flag for each unit that the host could use, and vcpu_put clears them one by one.',

  vcpuLoad(trace) {
    if (trace.VHE) return;
    if (trace.hasSpe()) set(trace, DEBUG_STATE_SAVE_SPE, 'DEBUG_STATE_SAVE_SPE');
    if (trace.hasTrbe()) set(trace, DEBUG_STATE_SAVE_TRBE, 'DEBUG_STATE_SAVE_TRBE');
  },

  vcpuPut(trace) {
    clear(trace, DEBUG_STATE_SAVE_SPE, 'DEBUG_STATE_SAVE_SPE');
    clear(trace, DEBUG_STATE_SAVE_TRBE, 'DEBUG_STATE_SAVE_TRBE');
  },

  flagWords: (trace) => iflags(trace, false),
};

/** SAVE_TRFCR: whatever else saves the filter comes first. */
function enterWithTrfcr(trace: HostTrace): void {
  shared.enter(trace);
  if ((trace.iflags & DEBUG_STATE_SAVE_TRFCR) === 0 || trace.saved.TRFCR_EL1 !== undefined) return;
  trace.saved.TRFCR_EL1 = trace.swapFilter(trace.trfcr_while_in_guest);
}

function exitWithTrfcr(trace: HostTrace): void {
  shared.exit(trace);
  const { TRFCR_EL1 } = trace.saved;
  if ((trace.iflags & DEBUG_STATE_SAVE_TRFCR) === 0 || TRFCR_EL1 === undefined) return;
  trace.swapFilter(TRFCR_EL1);
  trace.saved.TRFCR_EL1 = undefined;
}

export const SAVE_TRFCR_POSTED: TraceScheme = {
  ...shared,
  name: 'SAVE_TRFCR_POSTED',
  description:
    'Proposed in February 2024: as SAVE_FLAGS with a third flag wherever there is a trace filter, and three flags to clear at vcpu_put.',

  vcpuLoad(trace) {
    if (trace.VHE) return;
    if (trace.hasSpe()) set(trace, DEBUG_STATE_SAVE_SPE, 'DEBUG_STATE_SAVE_SPE');
    if (!trace.hasTraceFilter()) return;
    set(trace, DEBUG_STATE_SAVE_TRFCR, 'DEBUG_STATE_SAVE_TRFCR');
    if (trace.hasTrbe()) set(trace, DEBUG_STATE_SAVE_TRBE, 'DEBUG_STATE_SAVE_TRBE');
  },

  vcpuPut(trace) {
    clear(trace, DEBUG_STATE_SAVE_SPE, 'DEBUG_STATE_SAVE_SPE');
    clear(trace, DEBUG_STATE_SAVE_TRBE, 'DEBUG_STATE_SAVE_TRBE');
    clear(trace, DEBUG_STATE_SAVE_TRFCR, 'DEBUG_STATE_SAVE_TRFCR');
  },

  enter: enterWithTrfcr,
  exit: exitWithTrfcr,
  setEl1Configuration(trace, TRFCR_EL1) {
    trace.trfcr_while_in_guest = TRFCR_EL1;
  },
  flagWords: (trace) => iflags(trace, true),
};

export const SAVE_MASK: TraceScheme = {
  ...SAVE_TRFCR_POSTED,
  name: 'SAVE_MASK',
  description:
    'The same as its review asked for it: the third flag only where the filter will change, and one masked write to clear all three, without VHE only.',

  vcpuLoad(trace) {
    if (trace.VHE) return;
    if (trace.hasSpe()) set(trace, DEBUG_STATE_SAVE_SPE, 'DEBUG_STATE_SAVE_SPE');
    if (!trace.hasTraceFilter()) return;
    if (trace.hasTrbe()) set(trace, DEBUG_STATE_SAVE_TRBE, 'DEBUG_STATE_SAVE_TRBE');
    if (trace.filterConfigured) set(trace, DEBUG_STATE_SAVE_TRFCR, 'DEBUG_STATE_SAVE_TRFCR');
  },

  vcpuPut(trace) {
    if (!trace.VHE) clear(trace, DEBUG_STATE_SAVE_MASK, 'DEBUG_STATE_SAVE_MASK');
  },

  setEl1Configuration(trace, TRFCR_EL1) {
    trace.trfcr_while_in_guest = TRFCR_EL1;
    trace.filterConfigured = !trace.VHE && trace.ws.cpu.read('TRFCR_EL1') !== TRFCR_EL1;
  },
};
