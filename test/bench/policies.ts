/**
 * A guest that writes MDSCR_EL1 in a loop, under each debug policy: traps and register accesses of the hypervisor per
 * write, which repeat exactly, and apart from them the time that the host took for it.
 */
import { policies } from '../../emulator/kvm/policies/index.ts';
import { b, msr } from '../support/a64.ts';
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
