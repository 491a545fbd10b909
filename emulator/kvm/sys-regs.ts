/**
 * Trapped accesses to system registers: a table sorted by encoding, and what each generation of KVM does
 * with each register. The column `architecture` is how the registers behave on a processor.
 */
import { writtenValue } from '../sysregs/definitions.ts';
import type { ImplementedRegister, ImplementedRegisters } from '../sysregs/definitions.ts';
import { mdscrAlwaysWritable, MDSCR_EL1_WRITABLE_WHILE_LOCKED } from '../sysregs/definitions.ts';
import { all, byEncoding, byName } from '../sysregs/catalogue.ts';
import { isPerformanceMonitorRegister } from '../sysregs/access-rules.ts';
import { idSpaceEncodings, idSpaceName } from '../sysregs/id-registers.ts';
import { genericName } from '../sysregs/sysreg.ts';
import type { Direction } from '../sysregs/sysreg.ts';
import { implementedInstructions } from '../sysregs/system-instructions.ts';
import { hasDebugBanks } from '../sysregs/processor-model.ts';
import { bankOf, debugRegisters, inBank, readDebugState, writeDebugState } from './debug-state.ts';
import type { DebugRegister } from './debug-state.ts';
import {
  MDSCR_EL1_EMBWE,
  MDSELR_EL1_BANK_SHIFT,
  OSLSR_EL1_OSLK,
  OSLSR_EL1_UNLOCKED,
} from './control-bits.ts';
import { isSpeRegister } from './spe/vcpu-spe.ts';
import { softwareIncrement } from './pmu-emul.ts';
import type { DebugPolicy } from './policies/policy.ts';
import type { VcpuDebugRegister } from './vcpu.ts';
import type { WorldSwitch } from './world-switch.ts';

/**
 * `KVM`: as the generation of KVM that the policy belongs to; `architecture`: as the Arm ARM describes the
 * registers, whatever the policy.
 */
export type RegisterEmulation = 'KVM' | 'architecture';

export interface EmulationContext {
  readonly ws: WorldSwitch;
  readonly policy: DebugPolicy;
  readonly emulation: RegisterEmulation;
  /** The guest's processor. */
  readonly implemented: ImplementedRegisters;
  /** The guest's identification registers by name. */
  readonly idRegisters: ReadonlyMap<string, bigint>;
  /** vcpu_put and vcpu_load. */
  reload(): void;
}

/** A direction that is absent is UNDEFINED. */
interface Handler {
  read?(context: EmulationContext): bigint;
  write?(context: EmulationContext, value: bigint): void;
}

/** The table changed with 5.18, which emulates the OS Lock. */
const HANDLERS = { G1: 'G1', G2: 'G1', G3: 'G4', G4: 'G4' } as const;

interface SysRegDescriptor {
  readonly encoding: number;
  readonly G1: Handler;
  readonly G4: Handler;
  readonly architecture: Handler;
  /** Moved by the world switch: an access tells the policy. */
  readonly switched: boolean;
  /** What `exists` says counts in every column. */
  readonly optional?: boolean;
  /** Absent from the processor: UNDEFINED in `architecture`. */
  exists?(context: EmulationContext): boolean;
}

const UNDEFINED: Handler = {};
const RAZ_WI: Handler = { read: () => 0n, write: () => undefined };
const LOW32 = 0xffff_ffffn;

function constant(value: bigint): Handler {
  return { read: () => value, write: () => undefined };
}

/** What the processor has; writes are ignored. */
function hostValue(name: string): Handler {
  return { read: ({ ws }) => ws.cpu.read(name), write: () => undefined };
}

/** Straight to the processor: neither host nor debugger uses the register. */
function passThrough(name: string): Handler {
  return {
    read: ({ ws }) => ws.cpu.read(name),
    write({ ws }, value) {
      ws.cpu.write(name, value);
    },
  };
}

function storage(name: VcpuDebugRegister, mask?: bigint): Handler {
  return {
    read: ({ ws }) => ws.vcpu.sys_regs[name],
    write({ ws }, value) {
      ws.vcpu.sys_regs[name] = mask === undefined ? value : value & mask;
    },
  };
}

const isLocked = ({ ws }: EmulationContext): boolean =>
  (ws.vcpu.sys_regs.OSLSR_EL1 & OSLSR_EL1_OSLK) !== 0n;

/** Views of the external debugger's registers: there only while the OS Lock is locked. */
function storageWhileLocked(name: VcpuDebugRegister): Handler {
  return {
    read: (context) => (isLocked(context) ? context.ws.vcpu.sys_regs[name] : 0n),
    write(context, value) {
      if (isLocked(context)) context.ws.vcpu.sys_regs[name] = value & LOW32;
    },
  };
}

function requireRegister(context: EmulationContext, name: string): ImplementedRegister {
  const register = context.implemented.byName(name);
  if (register === undefined) throw new TypeError(`${name} is not implemented`);
  return register;
}

/** The register that the name reaches: `register` is one of the first 16, and MDSELR_EL1 is the guest's. */
function selected({ ws }: EmulationContext, register: DebugRegister): DebugRegister {
  const { MDSELR_EL1, MDSCR_EL1 } = ws.vcpu.sys_regs;
  if (!hasDebugBanks(ws.guest) || (MDSCR_EL1 & MDSCR_EL1_EMBWE) === 0n) return register;
  return inBank(register, Number(MDSELR_EL1 >> MDSELR_EL1_BANK_SHIFT));
}

/** The name of the register that an access by this name reaches. */
export function reachedName(context: EmulationContext, name: string): string {
  const register = debugRegisters.get(name);
  return register === undefined ? name : selected(context, register).name;
}

function readComparator(context: EmulationContext, named: DebugRegister): bigint {
  const { ws, policy } = context;
  const register = selected(context, named);
  const value = readDebugState(ws.vcpu.vcpu_debug_state, register);
  return policy.readBack?.(ws, register, value) ?? value;
}

const rawComparator = (register: DebugRegister): Handler => ({
  read: (context) => readComparator(context, register),
  write(context, value) {
    writeDebugState(context.ws.vcpu.vcpu_debug_state, selected(context, register), value);
  },
});

const maskedComparator = (named: DebugRegister): Handler => ({
  read: (context) => readComparator(context, named),
  write(context, value) {
    const register = selected(context, named);
    const { vcpu_debug_state } = context.ws.vcpu;
    const current = readDebugState(vcpu_debug_state, register);
    const masked = writtenValue(requireRegister(context, register.name), current, value);
    writeDebugState(vcpu_debug_state, register, masked);
  },
});

const maskedMdscr: Handler = {
  read: ({ ws }) => ws.vcpu.sys_regs.MDSCR_EL1,
  write(context, value) {
    const { sys_regs } = context.ws.vcpu;
    const writable =
      mdscrAlwaysWritable(context.ws.guest) |
      (isLocked(context) ? MDSCR_EL1_WRITABLE_WHILE_LOCKED : 0n);
    sys_regs.MDSCR_EL1 = (sys_regs.MDSCR_EL1 & ~writable) | (value & writable);
  },
};

/** BANK is RES0 where the guest has one bank only. */
const mdselr: Handler = {
  read: ({ ws }) => ws.vcpu.sys_regs.MDSELR_EL1,
  write(context, value) {
    const { writable } = requireRegister(context, 'MDSELR_EL1');
    context.ws.vcpu.sys_regs.MDSELR_EL1 = value & writable;
  },
};

const oslar: Handler = {
  write(context, value) {
    const { sys_regs } = context.ws.vcpu;
    const OSLK = (value & 1n) !== 0n ? OSLSR_EL1_OSLK : 0n;
    sys_regs.OSLSR_EL1 = (sys_regs.OSLSR_EL1 & ~OSLSR_EL1_OSLK) | OSLK;
    if (context.policy.osLockWritten(context.ws)) context.reload();
  },
};

const oslsr: Handler = { read: ({ ws }) => ws.vcpu.sys_regs.OSLSR_EL1 };

/** Makes a change that may lock or unlock; only then is the owner decided anew, as for OSLAR_EL1. */
function changeDoubleLock(context: EmulationContext, change: () => void): void {
  const { vcpu } = context.ws;
  const before = vcpu.debugLocked;
  change();
  if (vcpu.debugLocked !== before && context.policy.osLockWritten(context.ws)) context.reload();
}

/** The lock of the register's page: RAZ/WI without FEAT_DoubleLock. */
const osdlr: Handler = {
  read: ({ ws }) => ws.vcpu.sys_regs.OSDLR_EL1,
  write(context, value) {
    const { writable } = requireRegister(context, 'OSDLR_EL1');
    changeDoubleLock(context, () => {
      context.ws.vcpu.sys_regs.OSDLR_EL1 = value & writable;
    });
  },
};

const dbgprcr: Handler = {
  read: ({ ws }) => ws.vcpu.sys_regs.DBGPRCR_EL1,
  write(context, value) {
    changeDoubleLock(context, () => {
      context.ws.vcpu.sys_regs.DBGPRCR_EL1 = value & 1n;
    });
  },
};

interface Columns {
  readonly G1: Handler;
  readonly G4?: Handler;
  readonly architecture?: Handler;
  readonly switched?: boolean;
}

function describe(name: string, { G1, G4, architecture, switched }: Columns): SysRegDescriptor {
  const register = byName(name);
  if (register === undefined) throw new TypeError(`The catalogue has no register ${name}`);
  return {
    encoding: register.encoding,
    G1,
    G4: G4 ?? G1,
    architecture: architecture ?? G4 ?? G1,
    switched: switched ?? false,
  };
}

const pmswinc: Handler = {
  write: ({ ws }, value) => {
    softwareIncrement(ws.cpu, value);
  },
};

/** The guest's own: no event is counted for the host, and nothing executes at EL2 while the guest runs. */
const performanceMonitors = all
  .filter((register) => isPerformanceMonitorRegister(register) && register.feature === 'FEAT_PMUv3')
  .map((register): SysRegDescriptor => ({
    ...describe(register.name, {
      G1: register.name === 'PMSWINC_EL0' ? pmswinc : passThrough(register.name),
    }),
    exists: ({ implemented }) => implemented.byName(register.name) !== undefined,
    optional: true,
  }));

const table: readonly SysRegDescriptor[] = [
  ...performanceMonitors,
  ...[...debugRegisters.values()]
    .filter((register) => bankOf(register) === 0)
    .map((register): SysRegDescriptor => ({
      ...describe(register.name, {
        G1: rawComparator(register),
        architecture: maskedComparator(register),
        switched: true,
      }),
      exists: (context) =>
        context.implemented.byName(selected(context, register).name) !== undefined,
    })),
  {
    ...describe('MDSELR_EL1', {
      G1: UNDEFINED,
      architecture: mdselr,
      switched: true,
    }),
    exists: ({ implemented }: EmulationContext) => implemented.byName('MDSELR_EL1') !== undefined,
  },
  describe('MDSCR_EL1', { G1: storage('MDSCR_EL1'), architecture: maskedMdscr, switched: true }),
  describe('MDCCINT_EL1', {
    G1: storage('MDCCINT_EL1'),
    architecture: storage('MDCCINT_EL1', 3n << 29n),
    switched: true,
  }),
  describe('MDRAR_EL1', { G1: RAZ_WI, architecture: { read: () => 0n } }),
  describe('OSLAR_EL1', { G1: RAZ_WI, G4: oslar }),
  describe('OSLSR_EL1', { G1: constant(OSLSR_EL1_UNLOCKED), G4: oslsr }),
  describe('OSDLR_EL1', { G1: RAZ_WI, architecture: osdlr }),
  describe('DBGPRCR_EL1', { G1: RAZ_WI, architecture: dbgprcr }),
  describe('DBGCLAIMSET_EL1', { G1: RAZ_WI, architecture: passThrough('DBGCLAIMSET_EL1') }),
  describe('DBGCLAIMCLR_EL1', { G1: RAZ_WI, architecture: passThrough('DBGCLAIMCLR_EL1') }),
  describe('DBGAUTHSTATUS_EL1', {
    G1: hostValue('DBGAUTHSTATUS_EL1'),
    architecture: { read: ({ ws }) => ws.cpu.read('DBGAUTHSTATUS_EL1') },
  }),
  describe('MDCCSR_EL0', { G1: RAZ_WI, architecture: { read: () => 0n } }),
  describe('DBGDTR_EL0', { G1: RAZ_WI }),
  // DBGDTRTX_EL0 is the same encoding.
  describe('DBGDTRRX_EL0', { G1: RAZ_WI }),
  describe('OSECCR_EL1', { G1: UNDEFINED, architecture: storageWhileLocked('OSECCR_EL1') }),
  describe('OSDTRRX_EL1', { G1: UNDEFINED, architecture: storageWhileLocked('OSDTRRX_EL1') }),
  describe('OSDTRTX_EL1', { G1: UNDEFINED, architecture: storageWhileLocked('OSDTRTX_EL1') }),
  describe('ACTLR_EL1', { G1: hostValue('ACTLR_EL1') }),
]
  .slice()
  .sort((a, b) => a.encoding - b.encoding);

function find(encoding: number): SysRegDescriptor | undefined {
  let low = 0;
  let high = table.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const row = table[middle];
    if (row === undefined) return undefined;
    if (row.encoding === encoding) return row;
    if (row.encoding < encoding) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

const idSpace: ReadonlySet<number> = new Set(idSpaceEncodings);
/** Cache maintenance by set and way; HCR_EL2.TSW traps it, and there are no caches to maintain. */
const setWayInstructions: ReadonlySet<number> = new Set(
  [...implementedInstructions]
    .filter(([, { name }]) => ['ISW', 'CSW', 'CISW'].includes(name))
    .map(([encoding]) => encoding),
);

export interface TrappedAccess {
  /** Packed: op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2. */
  readonly encoding: number;
  readonly direction: Direction;
  /** What a write writes. */
  readonly value: bigint;
}

export type AccessOutcome =
  | {
      readonly kind: 'done';
      readonly value: bigint;
      readonly old?: bigint;
      readonly debug: boolean;
    }
  /** `warning`: what KVM would say in its log. */
  | { readonly kind: 'undefined'; readonly warning: string };

/** The register's name, or `S<op0>_<op1>_C<n>_C<m>_<op2>`. */
export function accessedName(encoding: number, direction: Direction): string {
  return (
    byEncoding(encoding, direction)?.name ??
    implementedInstructions.get(encoding)?.name ??
    genericName(encoding)
  );
}

/** kvm_handle_sys_reg: performs the access on the guest's registers. PC does not move. */
export function emulateAccess(context: EmulationContext, access: TrappedAccess): AccessOutcome {
  const { encoding, direction, value } = access;
  const name = accessedName(encoding, direction);
  if (idSpace.has(encoding) && direction === 'read') {
    return { kind: 'done', value: idValue(context, encoding), debug: false };
  }
  if (setWayInstructions.has(encoding) && direction === 'write') {
    return { kind: 'done', value: 0n, debug: false };
  }
  const stopped = stoppedProfiling(context, name, access);
  if (stopped !== undefined) return stopped;
  const row = find(encoding);
  if (row === undefined) return undefinedAccess(name, direction, 'unsupported access');
  const { policy, emulation, ws } = context;
  const handler =
    emulation === 'architecture' ? row.architecture : row[HANDLERS[policy.generation]];
  const mayBeAbsent = emulation === 'architecture' || row.optional === true;
  if (mayBeAbsent && row.exists?.(context) === false) {
    return undefinedAccess(name, direction, 'no such register');
  }
  const old = ws.vcpu.debugRegister(reachedName(context, name));
  let result = value;
  if (direction === 'read') {
    if (handler.read === undefined)
      return undefinedAccess(name, direction, wrongDirection(handler));
    result = handler.read(context);
  } else {
    if (handler.write === undefined) {
      return undefinedAccess(name, direction, wrongDirection(handler));
    }
    handler.write(context, value);
  }
  if (row.switched) policy.debugRegisterTrapped(ws, direction);
  return { kind: 'done', value: result, debug: true, ...(old !== undefined && { old }) };
}

/** KVM_ARM_VCPU_SPE_STOP: the guest's SPE registers are memory, and profile nothing. */
function stoppedProfiling(
  { ws, implemented }: EmulationContext,
  name: string,
  { direction, value }: TrappedAccess,
): AccessOutcome | undefined {
  const { spe } = ws.vcpu;
  if (!spe.isStopped) return undefined;
  if (name === 'PMSIDR_EL1' && direction === 'read') {
    return { kind: 'done', value: ws.cpu.read(name), debug: false };
  }
  if (!isSpeRegister(name)) return undefined;
  const old = spe.registers[name];
  if (direction === 'read') return { kind: 'done', value: old, debug: false };
  const register = implemented.byName(name);
  spe.registers[name] = register === undefined ? value : writtenValue(register, old, value);
  return { kind: 'done', value, old, debug: false };
}

function wrongDirection(handler: Handler): string {
  if (handler.write !== undefined) return 'read from a write-only register';
  if (handler.read !== undefined) return 'write to a read-only register';
  return 'unsupported access';
}

function undefinedAccess(name: string, direction: Direction, why: string): AccessOutcome {
  const instruction = direction === 'read' ? `MRS from ${name}` : `MSR to ${name}`;
  return { kind: 'undefined', warning: `${why}: ${instruction} is UNDEFINED for the guest` };
}

function idValue({ idRegisters }: EmulationContext, encoding: number): bigint {
  return idRegisters.get(idSpaceName(encoding)) ?? 0n;
}

/** PMSVer, TraceFilt and TraceBuffer: KVM hides profiling and tracing from its guests. */
const ID_AA64DFR0_HIDDEN = (0xfn << 32n) | (0xffn << 40n);

/** Fine-grained traps are made at EL2, where this guest never is; without them it can go to any host. */
const ID_AA64MMFR0_FGT = 0xfn << 56n;
/** EL2 is not the guest's. */
const ID_AA64MMFR1_VH = 0xfn << 8n;

/** The identification registers as the guest sees them. */
export function sanitisedIdRegisters(
  host: ReadonlyMap<string, bigint>,
): ReadonlyMap<string, bigint> {
  const guest = new Map(host);
  const hide = (name: string, mask: bigint): void => {
    guest.set(name, (host.get(name) ?? 0n) & ~mask);
  };
  hide('ID_AA64DFR0_EL1', ID_AA64DFR0_HIDDEN);
  hide('ID_AA64MMFR0_EL1', ID_AA64MMFR0_FGT);
  hide('ID_AA64MMFR1_EL1', ID_AA64MMFR1_VH);
  return guest;
}
