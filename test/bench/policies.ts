/**
 * A guest that writes MDSCR_EL1 in a loop, under each debug policy: traps and register accesses of the hypervisor per
 * write, which repeat exactly, and apart from them the time that the host took for it. And what it costs to record
 * the events of a guest that traps 10,000 times a second.
 */
import { policies } from '../../emulator/kvm/policies/index.ts';
import { addImmediate, b, bne, mov, mrs, msr, subsImmediate } from '../support/a64.ts';
import { KvmGuest } from '../support/kvm-guest.ts';

const INSTRUCTIONS = 200_000;
const TICK = 20_000;

/** One line for each policy. */
export function policyTable(): string {
  const rows = policies.map(({ name: policy }) => {
    const guest = new KvmGuest({ policy, checkInvariants: false, logCapacity: 1000 });
    guest.program(msr('MDSCR_EL1', 1), b(-4));
    // TDCC: what an old kernel writes again and again.
    guest.pe.state.setX(1, 0x1000n);
    const begin = performance.now();
    for (let done = 0; done < INSTRUCTIONS; done += TICK) {
      guest.run(TICK);
      guest.kvm.onHostTick();
    }
    const milliseconds = performance.now() - begin;
    const writes = INSTRUCTIONS / 2;
    const { reads, writes: written } = guest.kvm.ws.cpu;
    const per = (count: number): string => (count / writes).toFixed(4).padStart(9);
    const time = `${milliseconds.toFixed(0)} ms`.padStart(9);
    return `${policy.padEnd(14)}${per(guest.traps('MDSCR_EL1'))}${per(reads)}${per(written)}${time}`;
  });
  const head = `${'per write'.padEnd(14)}${['traps', 'reads', 'writes', 'host'].map((it) => it.padStart(9)).join('')}`;
  return ['A guest that writes MDSCR_EL1 in a loop', head, ...rows].join('\n');
}

/** Instructions between two traps at 10,000 traps a second and a notional 1 GHz. */
const INSTRUCTIONS_PER_TRAP = 100_000;
const TRAPS = 1000;
const ROUNDS = 10;

/** Milliseconds of processor time of the host for a guest with so many traps. */
function timeOf(recordsEvents: boolean): number {
  const guest = new KvmGuest({
    policy: 'OWNER',
    checkInvariants: false,
    recordsEvents,
    tickInterval: 1n << 60n,
  });
  // OSLSR_EL1 traps under every policy.
  const loop = [addImmediate(3, 3, 1), subsImmediate(2, 2, 1), bne(-8)];
  const iterations = BigInt(Math.round(INSTRUCTIONS_PER_TRAP / loop.length));
  const words = [mrs(1, 'OSLSR_EL1'), ...mov(2, iterations), ...loop];
  guest.program(words, b(-4 * words.length));
  guest.run(INSTRUCTIONS_PER_TRAP);
  const begin = process.cpuUsage();
  guest.run(TRAPS * INSTRUCTIONS_PER_TRAP);
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

/** One sentence. */
export function recordingCost(): string {
  const least = { on: Number.POSITIVE_INFINITY, off: Number.POSITIVE_INFINITY };
  // The first two warm up.
  for (let round = -2; round < ROUNDS; round += 1) {
    const off = timeOf(false);
    const on = timeOf(true);
    if (round < 0) continue;
    least.off = Math.min(least.off, off);
    least.on = Math.min(least.on, on);
  }
  const percent = (100 * (least.on - least.off)) / least.off;
  const perTrap = (1000 * (least.on - least.off)) / TRAPS;
  const times = `${least.on.toFixed(0)} ms with and ${least.off.toFixed(0)} ms without`;
  return `Recording the events of a guest that traps 10,000 times a second costs ${percent.toFixed(1)} % (${perTrap.toFixed(1)} us a trap; ${times}).`;
}
