/**
 * KVM_GET_ONE_REG and KVM_SET_ONE_REG. KVM api.rst, "KVM_SET_ONE_REG", arm64 register ids.
 *
 * ENOENT: there is no such register for this VM. EINVAL: the id has a wrong size, or the value cannot be
 * stored. EBUSY: an identification register would change after the first KVM_RUN.
 */
import { byEncoding } from '../sysregs/catalogue.ts';
import { writtenValue } from '../sysregs/definitions.ts';
import { OSLSR_EL1_OSLK, OSLSR_EL1_UNLOCKED } from './control-bits.ts';
import { debugRegisters } from './debug-state.ts';
import { everyGuestContextRegister } from './guest-context.ts';
import { EINVAL, OK } from './guest-debug-control.ts';
import type { IoctlResult } from './guest-debug-control.ts';
import type { Kvm } from './kvm.ts';
import { isVcpuDebugRegister } from './vcpu.ts';
import type { Vcpu } from './vcpu.ts';

const KVM_REG_ARM64 = 0x6000_0000_0000_0000n;
const KVM_REG_SIZE_MASK = 0x00f0_0000_0000_0000n;
const KVM_REG_SIZE_U64 = 0x0030_0000_0000_0000n;
const KVM_REG_ARM_COPROC_MASK = 0x0fff_0000n;
const KVM_REG_ARM_CORE = 0x0010_0000n;
const KVM_REG_ARM64_SYSREG = 0x0013_0000n;

/** A general-purpose register or system register of a vCPU as the interface names it. */
export type OneReg =
  | { readonly kind: 'X'; readonly n: number }
  | { readonly kind: 'PC' }
  | { readonly kind: 'PSTATE' }
  | { readonly kind: 'sysreg'; readonly name: string };

export type OneRegResult =
  | { readonly ok: true; readonly value: bigint }
  | { readonly ok: false; readonly errno: 'ENOENT' | 'EINVAL'; readonly reason: string };

/** The id of a system register by its packed encoding. */
export function sysregId(encoding: number): bigint {
  return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | BigInt(encoding);
}

/** Offsets into struct kvm_regs in units of 4 bytes: regs[31], sp, pc, pstate, sp_el1, elr_el1, spsr[0]. */
const CORE_REGISTERS: ReadonlyMap<number, OneReg> = new Map<number, OneReg>([
  ...Array.from({ length: 31 }, (_, n): [number, OneReg] => [2 * n, { kind: 'X', n }]),
  [62, { kind: 'sysreg', name: 'SP_EL0' }],
  [64, { kind: 'PC' }],
  [66, { kind: 'PSTATE' }],
  [68, { kind: 'sysreg', name: 'SP_EL1' }],
  [70, { kind: 'sysreg', name: 'ELR_EL1' }],
  [72, { kind: 'sysreg', name: 'SPSR_EL1' }],
]);

/** The id of a register of struct kvm_regs, by its offset in units of 4 bytes. */
export function coreId(offset: number): bigint {
  return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | BigInt(offset);
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

const noRegister = (id: bigint) =>
  ({ ok: false, errno: 'ENOENT', reason: `There is no register with id ${hex(id)}.` }) as const;

/** The register behind an id, or why there is none. */
function decode(kvm: Kvm, id: bigint): OneReg | Extract<OneRegResult, { ok: false }> {
  if ((id & 0xff00_0000_0000_0000n) !== KVM_REG_ARM64) return noRegister(id);
  const index = Number(id & 0xffffn);
  const group = id & KVM_REG_ARM_COPROC_MASK;
  const register =
    group === KVM_REG_ARM_CORE
      ? CORE_REGISTERS.get(index)
      : group === KVM_REG_ARM64_SYSREG
        ? systemRegister(kvm, index)
        : undefined;
  if (register === undefined) return noRegister(id);
  if ((id & KVM_REG_SIZE_MASK) !== KVM_REG_SIZE_U64) {
    return { ok: false, errno: 'EINVAL', reason: `The register with id ${hex(id)} has 64 bits.` };
  }
  return register;
}

const CONTEXT: ReadonlySet<string> = new Set(everyGuestContextRegister);

function systemRegister(kvm: Kvm, encoding: number): OneReg | undefined {
  const name = byEncoding(encoding, 'read')?.name;
  if (name === undefined) return undefined;
  const known =
    debugRegisters.has(name) ||
    isVcpuDebugRegister(name) ||
    kvm.ids.has(name) ||
    (CONTEXT.has(name) && kvm.implemented.byName(name) !== undefined);
  return known ? { kind: 'sysreg', name } : undefined;
}

/** Every id that KVM_GET_REG_LIST gives, ascending. */
export function registerList(kvm: Kvm): readonly bigint[] {
  const ids = [...CORE_REGISTERS.keys()].map(coreId);
  for (let encoding = 0; encoding < 0x1_0000; encoding += 1) {
    if (systemRegister(kvm, encoding) !== undefined) ids.push(sysregId(encoding));
  }
  return ids.sort((a, b) => (a < b ? -1 : 1));
}

export function getOneReg(kvm: Kvm, vcpu: Vcpu, id: bigint): OneRegResult {
  const register = decode(kvm, id);
  if ('ok' in register) return register;
  if (register.kind !== 'sysreg') return { ok: true, value: kvm.readContext(vcpu, register) };
  const { name } = register;
  const value =
    kvm.ids.values.get(name) ??
    kvm.guestDebugRegister(name, vcpu) ??
    kvm.readContext(vcpu, register);
  return { ok: true, value };
}

export function setOneReg(kvm: Kvm, vcpu: Vcpu, id: bigint, value: bigint): IoctlResult {
  const register = decode(kvm, id);
  if ('ok' in register) return register;
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    return EINVAL(`${hex(value)} does not fit a register of 64 bits.`);
  }
  if (register.kind === 'PSTATE') return setPstate(kvm, vcpu, value);
  if (register.kind !== 'sysreg') {
    kvm.writeContext(vcpu, register, value);
    return OK;
  }
  const { name } = register;
  if (kvm.ids.has(name)) return kvm.ids.set(name, value);
  if (debugRegisters.has(name) || isVcpuDebugRegister(name)) {
    return setDebugRegister(kvm, vcpu, name, value);
  }
  const implemented = kvm.implemented.byName(name);
  const masked =
    implemented === undefined
      ? value
      : writtenValue(implemented, kvm.readContext(vcpu, register), value);
  kvm.writeContext(vcpu, register, masked);
  return OK;
}

/** The guest runs at EL0 or EL1 in AArch64. */
function setPstate(kvm: Kvm, vcpu: Vcpu, value: bigint): IoctlResult {
  const mode = value & 0x1fn;
  const modes = [0b00000n, 0b00100n, 0b00101n];
  if (!modes.includes(mode)) {
    return EINVAL(`PSTATE ${hex(value)} is not EL0t, EL1t or EL1h of AArch64.`);
  }
  kvm.writeContext(vcpu, { kind: 'PSTATE' }, value);
  return OK;
}

function setDebugRegister(kvm: Kvm, vcpu: Vcpu, name: string, value: bigint): IoctlResult {
  if (name === 'OSLSR_EL1' && (value & ~OSLSR_EL1_OSLK) !== OSLSR_EL1_UNLOCKED) {
    return EINVAL('Only OSLSR_EL1.OSLK can be set; every other bit has a fixed value.');
  }
  const implemented = kvm.implemented.byName(name);
  if (kvm.registerEmulation === 'KVM') {
    vcpu.setDebugRegister(name, value);
    return OK;
  }
  // KVM keeps values for all 16 indices; a guest cannot reach those its processor does not have.
  if (debugRegisters.has(name)) {
    if (implemented === undefined) return OK;
    vcpu.setDebugRegister(name, writtenValue(implemented, 0n, value));
    return OK;
  }
  // The OS Double Lock that the guest's processor does not have cannot be locked from here either.
  const masked = name === 'OSDLR_EL1' ? value & (implemented?.writable ?? 0n) : value;
  vcpu.setDebugRegister(name, masked);
  return OK;
}
