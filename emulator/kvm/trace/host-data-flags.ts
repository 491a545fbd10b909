/**
 * HOST_DATA: KVM since 6.14. What the processor has is asked once for each CPU; the host's drivers say when
 * they use it. The flags are the CPU's, not the vCPU's.
 */
import type { HostTrace, TraceScheme } from './host-trace.ts';

export const HAS_SPE = 1 << 0;
export const HAS_TRBE = 1 << 1;
export const TRBE_ENABLED = 1 << 4;
export const EL1_TRACING_CONFIGURED = 1 << 5;

const has = (trace: HostTrace, flag: number): boolean => (trace.hostFlags & flag) !== 0;

function write(trace: HostTrace, flag: number, set: boolean, name: string): void {
  if (has(trace, flag) !== set) trace.writeFlags('hostFlags', flag, set, name);
}

/** The filter has another value in the guest than outside. */
const swapsFilter = (trace: HostTrace): boolean =>
  has(trace, TRBE_ENABLED) || has(trace, EL1_TRACING_CONFIGURED);

export const HOST_DATA: TraceScheme = {
  name: 'HOST_DATA',
  description:
    'KVM since 6.14: each CPU knows what it has, the drivers of the host say what they use, and the filter of the guest’s time is a value of its own.',

  initialise(trace) {
    if (trace.VHE) return;
    if (trace.hasSpe()) write(trace, HAS_SPE, true, 'HAS_SPE');
    if (trace.hasTraceFilter() && trace.hasTrbe()) write(trace, HAS_TRBE, true, 'HAS_TRBE');
  },

  vcpuLoad: () => undefined,
  vcpuPut: () => undefined,

  enter(trace) {
    if (has(trace, HAS_SPE)) trace.saveSpe();
    if (!swapsFilter(trace)) return;
    if (has(trace, TRBE_ENABLED)) trace.trfcr_while_in_guest = 0n;
    trace.saved.TRFCR_EL1 = trace.swapFilter(trace.trfcr_while_in_guest);
    if (has(trace, TRBE_ENABLED)) trace.drainTrbe();
  },

  exit(trace) {
    if (has(trace, HAS_SPE)) trace.restoreSpe();
    const { TRFCR_EL1 } = trace.saved;
    if (TRFCR_EL1 === undefined) return;
    trace.trfcr_while_in_guest = trace.swapFilter(TRFCR_EL1);
    trace.saved.TRFCR_EL1 = undefined;
  },

  trbeEnabled(trace, enabled) {
    if (!trace.VHE) write(trace, TRBE_ENABLED, enabled, 'TRBE_ENABLED');
  },

  setEl1Configuration(trace, TRFCR_EL1) {
    if (trace.VHE) {
      // TRFCR_EL12: the guest's register, which no host code runs under.
      trace.ws.cpu.write('TRFCR_EL1', TRFCR_EL1);
      return;
    }
    trace.trfcr_while_in_guest = TRFCR_EL1;
    const differs = trace.ws.cpu.read('TRFCR_EL1') !== TRFCR_EL1;
    write(trace, EL1_TRACING_CONFIGURED, differs, 'EL1_TRACING_CONFIGURED');
  },

  hasConfiguration: (trace) => has(trace, EL1_TRACING_CONFIGURED),

  flagWords: (trace) => [
    {
      name: 'host_data.flags',
      width: 8,
      bits: [
        ['HAS_SPE', has(trace, HAS_SPE)],
        ['HAS_TRBE', has(trace, HAS_TRBE)],
        ['', false],
        ['', false],
        ['TRBE_ENABLED', has(trace, TRBE_ENABLED)],
        ['EL1_TRACING_CONFIGURED', has(trace, EL1_TRACING_CONFIGURED)],
        ['', false],
        ['', false],
      ],
    },
  ],
};

export const HOST_DATA_DISABLE: TraceScheme = {
  ...HOST_DATA,
  name: 'HOST_DATA_DISABLE',
  description:
    'As HOST_DATA, and a buffer that has been drained is disabled for the time in the guest, as the kernels of 2026 do.',

  enter(trace) {
    HOST_DATA.enter(trace);
    if (trace.saved.PMSCR_EL1 !== undefined) trace.disableBuffer('PMBLIMITR_EL1');
    if (has(trace, TRBE_ENABLED)) trace.disableBuffer('TRBLIMITR_EL1');
  },

  exit(trace) {
    trace.enableBuffer('PMBLIMITR_EL1');
    trace.enableBuffer('TRBLIMITR_EL1');
    HOST_DATA.exit(trace);
  },
};
