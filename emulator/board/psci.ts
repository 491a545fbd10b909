/**
 * PSCI 1.1 (Arm DEN 0022), as the firmware of a board with one processor offers it. The call comes
 * by SMC, or by HVC where EL2 is not the guest's; the conduit is the caller's business.
 */

export const PSCI_VERSION = 0x8400_0000;
export const CPU_SUSPEND = 0x8400_0001;
export const CPU_OFF = 0x8400_0002;
export const CPU_ON = 0x8400_0003;
export const AFFINITY_INFO = 0x8400_0004;
export const MIGRATE = 0x8400_0005;
export const MIGRATE_INFO_TYPE = 0x8400_0006;
export const SYSTEM_OFF = 0x8400_0008;
export const SYSTEM_RESET = 0x8400_0009;
export const PSCI_FEATURES = 0x8400_000a;
/** Added to a function identifier for its SMC64 form. */
const SMC64 = 0x4000_0000;

export const SUCCESS = 0n;
export const NOT_SUPPORTED = -1n;
export const INVALID_PARAMETERS = -2n;
export const ALREADY_ON = -4n;

const VERSION_1_1 = 0x1_0001n;
/** AFFINITY_INFO: the core is on. */
const AFFINITY_ON = 0n;
/** MIGRATE_INFO_TYPE: there is no Trusted OS, or it does not need migration. */
const MIGRATION_NOT_REQUIRED = 2n;

const SUPPORTED: ReadonlySet<number> = new Set([
  PSCI_VERSION,
  CPU_SUSPEND,
  CPU_SUSPEND + SMC64,
  CPU_OFF,
  CPU_ON,
  CPU_ON + SMC64,
  AFFINITY_INFO,
  AFFINITY_INFO + SMC64,
  MIGRATE_INFO_TYPE,
  SYSTEM_OFF,
  SYSTEM_RESET,
  PSCI_FEATURES,
]);

/** What a call asks of the board beside its return value. */
export type PsciAction =
  | { readonly kind: 'return'; readonly value: bigint }
  /** CPU_SUSPEND: wait as WFI does, then return `value`. */
  | { readonly kind: 'suspend'; readonly value: bigint }
  | { readonly kind: 'cpuOff' }
  | { readonly kind: 'systemOff' }
  | { readonly kind: 'systemReset' };

export interface PsciCall {
  /** W0. */
  readonly functionId: number;
  /** X1 to X3. */
  readonly arguments: readonly [bigint, bigint, bigint];
  /** MPIDR_EL1 of the caller. */
  readonly MPIDR_EL1: bigint;
}

/** Whether the identifier lies in the ranges that DEN 0022 gives to PSCI. */
export function isPsciFunction(functionId: number): boolean {
  return (((functionId & ~SMC64) >>> 0) - PSCI_VERSION) >>> 0 <= 0x1f;
}

const AFFINITY_FIELDS = 0xff_00ff_ffffn;

/** The outcome of one call. A returned `value` goes to X0, sign-extended to 64 bits. */
export function psciCall({ functionId, arguments: [x1, x2], MPIDR_EL1 }: PsciCall): PsciAction {
  const returns = (value: bigint): PsciAction => ({ kind: 'return', value });
  const self = MPIDR_EL1 & AFFINITY_FIELDS;
  switch (functionId) {
    case PSCI_VERSION:
      return returns(VERSION_1_1);
    case CPU_SUSPEND:
    case CPU_SUSPEND + SMC64:
      return { kind: 'suspend', value: SUCCESS };
    case CPU_OFF:
      return { kind: 'cpuOff' };
    case CPU_ON:
    case CPU_ON + SMC64:
      return returns((x1 & AFFINITY_FIELDS) === self ? ALREADY_ON : INVALID_PARAMETERS);
    case AFFINITY_INFO:
    case AFFINITY_INFO + SMC64:
      return returns(
        x2 === 0n && (x1 & AFFINITY_FIELDS) === self ? AFFINITY_ON : INVALID_PARAMETERS,
      );
    case MIGRATE_INFO_TYPE:
      return returns(MIGRATION_NOT_REQUIRED);
    case SYSTEM_OFF:
      return { kind: 'systemOff' };
    case SYSTEM_RESET:
      return { kind: 'systemReset' };
    case PSCI_FEATURES:
      return returns(SUPPORTED.has(Number(x1 & 0xffff_ffffn)) ? SUCCESS : NOT_SUPPORTED);
    default:
      return returns(NOT_SUPPORTED);
  }
}
