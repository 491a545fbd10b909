/**
 * What the hypervisor does itself for a guest's performance monitors. The counters are the processor's and
 * count while the guest runs; a software increment is made by the hypervisor, at whose Exception level
 * the guest's counters do not count, so it has to add the one itself (KVM, kvm_pmu_software_increment()).
 */
import { EVENT_COUNTERS, PmuEvent } from '../sysregs/performance-monitors.ts';
import type { CountedCpu } from './physical-cpu.ts';

const PMCR_E = 1n << 0n;
const COUNTER_MASK = 0xffff_ffffn;
const EVENT_MASK = 0xffffn;

/** KVM, kvm_pmu_counter_increment(): those of `counters` that are enabled and count `event`. */
function increment(cpu: CountedCpu, counters: bigint, event: number): void {
  const enabled = cpu.read('PMCNTENSET_EL0') & counters;
  for (let n = 0; n < EVENT_COUNTERS; n += 1) {
    const bit = 1n << BigInt(n);
    if ((enabled & bit) === 0n) continue;
    if ((cpu.read(`PMEVTYPER${n}_EL0`) & EVENT_MASK) !== BigInt(event)) continue;
    const value = (cpu.read(`PMEVCNTR${n}_EL0`) + 1n) & COUNTER_MASK;
    cpu.write(`PMEVCNTR${n}_EL0`, value);
    if (value !== 0n) continue;
    cpu.write('PMOVSSET_EL0', bit);
    if (n % 2 === 0) increment(cpu, bit << 1n, PmuEvent.CHAIN);
  }
}

/** A guest's write of PMSWINC_EL0. */
export function softwareIncrement(cpu: CountedCpu, counters: bigint): void {
  if ((cpu.read('PMCR_EL0') & PMCR_E) !== 0n) increment(cpu, counters, PmuEvent.SW_INCR);
}
