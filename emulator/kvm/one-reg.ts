/** KVM_GET_ONE_REG and KVM_SET_ONE_REG for the debug registers. KVM api.rst, "KVM_SET_ONE_REG". */
import { byEncoding } from '../sysregs/catalogue.ts';
import { OSLSR_EL1_OSLK, OSLSR_EL1_UNLOCKED } from './control-bits.ts';
import { debugRegisters } from './debug-state.ts';
import { EINVAL, OK } from './guest-debug-control.ts';
import type { IoctlResult } from './guest-debug-control.ts';
import type { Kvm } from './kvm.ts';
import { isVcpuDebugRegister } from './vcpu.ts';
import type { Vcpu } from './vcpu.ts';

/** KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG; the packed encoding is in bits 15:0. */
const KVM_REG_ARM64_SYSREG = 0x6030_0000_0013_0000n;

export type OneRegResult =
  | { readonly ok: true; readonly value: bigint }
  | { readonly ok: false; readonly errno: 'ENOENT'; readonly reason: string };

/** The id of a system register by its packed encoding. */
export function sysregId(encoding: number): bigint {
  return KVM_REG_ARM64_SYSREG | BigInt(encoding);
}

/** Registers of the interface: what a VMM saves and restores. */
function registerName(id: bigint): string | undefined {
  if ((id & ~0xffffn) !== KVM_REG_ARM64_SYSREG) return undefined;
  const name = byEncoding(Number(id & 0xffffn), 'read')?.name;
  if (name === undefined) return undefined;
  return debugRegisters.has(name) || isVcpuDebugRegister(name) ? name : undefined;
}

const noRegister = (id: bigint): { ok: false; errno: 'ENOENT'; reason: string } => ({
  ok: false,
  errno: 'ENOENT',
  reason: `There is no register with id 0x${id.toString(16)}.`,
});

export function getOneReg(kvm: Kvm, vcpu: Vcpu, id: bigint): OneRegResult {
  const name = registerName(id);
  const value = name === undefined ? undefined : kvm.guestDebugRegister(name, vcpu);
  return value === undefined ? noRegister(id) : { ok: true, value };
}

export function setOneReg(kvm: Kvm, vcpu: Vcpu, id: bigint, value: bigint): IoctlResult {
  const name = registerName(id);
  if (name === undefined) return noRegister(id);
  if (name === 'OSLSR_EL1' && (value & ~OSLSR_EL1_OSLK) !== OSLSR_EL1_UNLOCKED) {
    return EINVAL('Only OSLSR_EL1.OSLK can be set; every other bit has a fixed value.');
  }
  const isMissing = debugRegisters.has(name) && kvm.implemented.byName(name) === undefined;
  // KVM keeps values for all 16 indices; a guest cannot reach those its processor does not have.
  if (isMissing && kvm.registerEmulation === 'architecture') return OK;
  vcpu.setDebugRegister(name, value);
  return OK;
}
