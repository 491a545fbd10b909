/**
 * What the hypervisor writes to the registers of EL2 whose layout HCR_EL2.E2H chooses, by how its host runs:
 * at EL2 (VHE) or at EL1 (nVHE).
 *
 * KVM with VHE sets HCR_EL2.TGE as well while the host runs. Here the host executes no instructions, so the bit
 * would do nothing but hide the guest's translation from a debugger.
 */
import { HCR_E2H } from '../sysregs/virtualization-host.ts';
import {
  CNTHCTL_EL2_EL1PCEN,
  CNTHCTL_EL2_EL1PCTEN,
  CPTR_EL2_DEFAULT,
  CPTR_EL2_TFP,
  CPTR_EL2_TTA,
  HCR_GUEST_FLAGS,
  HCR_HOST_FLAGS,
} from './control-bits.ts';

export interface HostMode {
  readonly HCR_HOST_FLAGS: bigint;
  readonly HCR_GUEST_FLAGS: bigint;
  /** The guest uses the physical counter and timer directly. */
  readonly CNTHCTL_EL2: bigint;
  /** CPTR_EL2 while the host runs, which uses FP. */
  readonly CPTR_HOST: bigint;
  /** CPTR_EL2 while the guest runs. */
  cptrOfGuest(trapsFp: boolean): bigint;
}

const nVHE: HostMode = {
  HCR_HOST_FLAGS,
  HCR_GUEST_FLAGS,
  CNTHCTL_EL2: CNTHCTL_EL2_EL1PCTEN | CNTHCTL_EL2_EL1PCEN,
  CPTR_HOST: CPTR_EL2_DEFAULT,
  cptrOfGuest: (trapsFp) => CPTR_EL2_DEFAULT | CPTR_EL2_TTA | (trapsFp ? CPTR_EL2_TFP : 0n),
};

/** With E2H CPTR_EL2 has the layout of CPACR_EL1: FPEN 0b00 traps, 0b11 does not. */
const FPEN = 3n << 20n;
const TTA = 1n << 28n;

const VHE: HostMode = {
  HCR_HOST_FLAGS: HCR_HOST_FLAGS | HCR_E2H,
  HCR_GUEST_FLAGS: HCR_GUEST_FLAGS | HCR_E2H,
  // EL1PCTEN and EL1PTEN are bits 10 and 11 with E2H.
  CNTHCTL_EL2: (CNTHCTL_EL2_EL1PCTEN | CNTHCTL_EL2_EL1PCEN) << 10n,
  CPTR_HOST: FPEN,
  cptrOfGuest: (trapsFp) => TTA | (trapsFp ? 0n : FPEN),
};

export function hostMode(profile: { readonly VHE: boolean }): HostMode {
  return profile.VHE ? VHE : nVHE;
}
