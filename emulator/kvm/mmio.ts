/**
 * Aborts at stage 2: accesses to what belongs to user space. KVM, mmu.c, kvm_handle_guest_abort(), and
 * mmio.c, io_mem_abort() and kvm_handle_mmio_return().
 */
import {
  FSC_EXTERNAL_ABORT,
  EC_DATA_ABORT_LOWER,
  EC_INSTRUCTION_ABORT_LOWER,
} from '../cpu/syndrome.ts';
import type { Syndrome } from './handle-exit.ts';
import { injectFromLower, skipInstruction } from './inject.ts';
import type { KvmExit } from './kvm-exit.ts';
import type { WorldSwitch } from './world-switch.ts';

const ISV = 1 << 24;
const SSE = 1 << 21;
const SF = 1 << 15;
const CM = 1 << 8;
const S1PTW = 1 << 7;
const WnR = 1 << 6;
const LOW32 = 0xffff_ffffn;

/** An access that KVM_RUN has returned for: the next one completes it. struct kvm_run.mmio */
export interface PendingMmio {
  readonly phys_addr: bigint;
  /** Bytes: 1, 2, 4 or 8. */
  readonly len: 1 | 2 | 4 | 8;
  readonly is_write: boolean;
  /** What a write writes, or what user space gives to a read. */
  readonly data: bigint;
  /** User space has nothing there: the access ends in an external abort. */
  readonly refused: boolean;
  /** FAR_EL2. */
  readonly FAR: bigint;
  readonly Rt: number;
  readonly signed: boolean;
  /** Rt is an X register. */
  readonly is64: boolean;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** @returns the exit for user space, or undefined when the guest goes on */
export function handleStage2Abort(ws: WorldSwitch, syndrome: Syndrome): KvmExit | undefined {
  const { ISS, EC, FAR = 0n, HPFAR = 0n } = syndrome;
  const { vcpu, cpu } = ws;
  const phys_addr = ((HPFAR >> 4n) << 12n) | (FAR & 0xfffn);
  if (EC === EC_INSTRUCTION_ABORT_LOWER || (ISS & S1PTW) !== 0) {
    // Neither code nor translation tables are at addresses of user space.
    injectExternalAbort(ws, EC, FAR);
    return undefined;
  }
  if ((ISS & CM) !== 0) {
    // There is nothing to clean behind a device.
    skipInstruction(ws);
    return undefined;
  }
  const is_write = (ISS & WnR) !== 0;
  const len = (1 << ((ISS >>> 22) & 3)) as 1 | 2 | 4 | 8;
  const Rt = (ISS >>> 16) & 31;
  const described = (ISS & ISV) !== 0;
  const written = is_write && Rt !== 31 ? cpu.cpu.readX(Rt) : 0n;
  const data = BigInt.asUintN(8 * len, written);
  const signed = (ISS & SSE) !== 0;
  const is64 = (ISS & SF) !== 0;
  vcpu.mmio = { phys_addr, len, is_write, data, refused: !described, FAR, Rt, signed, is64 };
  const direction = is_write ? 'write' : 'read';
  if (!described) {
    // LDP, writeback, exclusives, SIMD: the syndrome does not tell which registers.
    ws.event('mmio', `KVM_EXIT_ARM_NISV: ${direction} at ${hex(phys_addr)}`, { direction });
    return { exit_reason: 'KVM_EXIT_ARM_NISV', fault_ipa: phys_addr, esr_iss: ISS };
  }
  const text = is_write ? `write of ${hex(data)},` : 'read of';
  ws.event('mmio', `KVM_EXIT_MMIO: ${text} ${len} bytes at ${hex(phys_addr)}`, {
    direction,
    ...(is_write && { new: data }),
  });
  return {
    exit_reason: 'KVM_EXIT_MMIO',
    ...{ phys_addr, len, is_write },
    ...(is_write && { data }),
  };
}

/** KVM_SET_VCPU_EVENTS with ext_dabt_pending, or what KVM does itself about a fetch. The vCPU must be loaded. */
export function injectExternalAbort(ws: WorldSwitch, EC: number, FAR: bigint): void {
  injectFromLower(ws, { EC, ISS: FSC_EXTERNAL_ABORT, FAR });
}

/** The first thing that KVM_RUN does after KVM_EXIT_MMIO. The vCPU must be loaded. */
export function completeMmio(ws: WorldSwitch): void {
  const { vcpu } = ws;
  const { mmio } = vcpu;
  if (mmio === undefined) return;
  vcpu.mmio = undefined;
  const { phys_addr, is_write, data, refused, FAR, Rt } = mmio;
  if (refused) {
    injectExternalAbort(ws, EC_DATA_ABORT_LOWER, FAR);
    return;
  }
  if (!is_write && Rt !== 31) ws.cpu.cpu.writeX(Rt, extended(mmio));
  ws.event(
    'mmio',
    is_write ? `write at ${hex(phys_addr)} done` : `read at ${hex(phys_addr)} gives ${hex(data)}`,
    { direction: is_write ? 'write' : 'read', new: data },
  );
  skipInstruction(ws);
}

/** As the load would have put it into Rt. */
function extended({ data, len, signed, is64 }: PendingMmio): bigint {
  const bits = 8 * len;
  const value = signed ? BigInt.asIntN(bits, data) : BigInt.asUintN(bits, data);
  return is64 ? BigInt.asUintN(64, value) : value & LOW32;
}
