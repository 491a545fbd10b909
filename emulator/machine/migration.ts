/** A guest on its way from one host to another: all that is the guest's, and nothing that is the host's. */
import type { IdRegisterValues } from '../kvm/vm-id-registers.ts';
import type { VcpuState } from '../kvm/vcpu.ts';
import type { PowerState } from '../board/psci.ts';
import type { Wait } from './processor.ts';
import type { RecordedInput } from './recorded-input.ts';
import type { SchedulerState } from './scheduler.ts';

/** A processor of it, in the hypervisor's terms: a vCPU, and whether it has anything to do. */
export interface MigratingProcessor {
  readonly vcpu: VcpuState;
  readonly power: PowerState;
  readonly waiting: Wait | undefined;
  readonly wakeAt: bigint | undefined;
  readonly eventRegister: boolean;
}

/** Registers are in the guest's own numbering, so that any host that is able to can take them. */
export interface MigratingGuest {
  /** What the guest has been promised. They go first: whether it can run is decided by them alone. */
  readonly idRegisters: IdRegisterValues;
  readonly processors: readonly MigratingProcessor[];
  readonly scheduler: SchedulerState;
  readonly ram: readonly { readonly base: bigint; readonly bytes: Uint8Array }[];
  readonly devices: unknown;
  /** Instructions retired since reset: the guest's clock goes on. */
  readonly retired: bigint;
  readonly inputs: readonly RecordedInput[];
  readonly typed: readonly number[];
  /** Open files among it: the host that the guest comes to has the same folder. */
  readonly semihosting: unknown;
}
