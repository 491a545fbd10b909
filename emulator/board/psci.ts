/**
 * PSCI 1.1 (Arm DEN 0022), as the firmware of the board offers it. The call comes by SMC, or by HVC
 * where EL2 is not the guest's; the conduit is the caller's business, and so is what a processor is.
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
export const ON_PENDING = -5n;
export const INVALID_ADDRESS = -9n;

const VERSION_1_1 = 0x1_0001n;
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
}

/** State of a processor, with the value that AFFINITY_INFO gives for it. */
export type PowerState = 'on' | 'off' | 'onPending';
const AFFINITY: Readonly<Record<PowerState, bigint>> = { on: 0n, off: 1n, onPending: 2n };

/** The processors that PSCI turns on and off. */
export interface PowerControl {
  /** The processor with these affinity fields of MPIDR_EL1, or undefined. */
  find(affinity: bigint): { readonly power: PowerState } | undefined;
  /** Every processor whose affinity fields above the lowest `level` ones are those of `affinity`. */
  inAffinityLevel(affinity: bigint, level: number): readonly { readonly power: PowerState }[];
  /** Whether a processor can fetch instructions at this physical address. */
  isExecutable(entry: bigint): boolean;
  /** Starts the processor at `entry` with `contextId` in X0, in the state that the machine starts in. */
  turnOn(affinity: bigint, entry: bigint, contextId: bigint): void;
}

/** Whether the identifier lies in the ranges that DEN 0022 gives to PSCI. */
export function isPsciFunction(functionId: number): boolean {
  return (((functionId & ~SMC64) >>> 0) - PSCI_VERSION) >>> 0 <= 0x1f;
}

export const AFFINITY_FIELDS = 0xff_00ff_ffffn;
const LOW_WORD = 0xffff_ffffn;

/** The outcome of one call. A returned `value` goes to X0, sign-extended to 64 bits. */
export function psciCall(call: PsciCall, processors: PowerControl): PsciAction {
  const { functionId } = call;
  const is64 = (functionId & SMC64) !== 0;
  const [x1, x2, x3] = is64
    ? call.arguments
    : (call.arguments.map((value) => value & LOW_WORD) as [bigint, bigint, bigint]);
  const returns = (value: bigint): PsciAction => ({ kind: 'return', value });
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
      return returns(cpuOn(processors, x1, x2, x3));
    case AFFINITY_INFO:
    case AFFINITY_INFO + SMC64:
      return returns(affinityInfo(processors, x1, x2));
    case MIGRATE_INFO_TYPE:
      return returns(MIGRATION_NOT_REQUIRED);
    case SYSTEM_OFF:
      return { kind: 'systemOff' };
    case SYSTEM_RESET:
      return { kind: 'systemReset' };
    case PSCI_FEATURES:
      return returns(SUPPORTED.has(Number(x1 & LOW_WORD)) ? SUCCESS : NOT_SUPPORTED);
    default:
      return returns(NOT_SUPPORTED);
  }
}

function cpuOn(processors: PowerControl, target: bigint, entry: bigint, contextId: bigint): bigint {
  const processor = (target & ~AFFINITY_FIELDS) === 0n ? processors.find(target) : undefined;
  if (processor === undefined) return INVALID_PARAMETERS;
  if (processor.power === 'on') return ALREADY_ON;
  if (processor.power === 'onPending') return ON_PENDING;
  if (!processors.isExecutable(entry)) return INVALID_ADDRESS;
  processors.turnOn(target, entry, contextId);
  return SUCCESS;
}

/** A level above 0 is on when a processor in it is. */
function affinityInfo(processors: PowerControl, target: bigint, level: bigint): bigint {
  if (level > 3n || (target & ~AFFINITY_FIELDS) !== 0n) return INVALID_PARAMETERS;
  const states = processors.inAffinityLevel(target, Number(level)).map(({ power }) => power);
  if (states.length === 0) return INVALID_PARAMETERS;
  if (states.includes('on')) return AFFINITY.on;
  return AFFINITY[states.includes('onPending') ? 'onPending' : 'off'];
}
