/**
 * The kernel's own selftest of ptrace's hardware watchpoints, tools/testing/selftests/breakpoints: a child
 * writes 1 to 32 bytes beside and onto what its parent watches.
 */
import type { LinuxImages } from './images.ts';
import { withFiles } from './initrd.ts';
import { OurSession } from './our-machine.ts';
import { ask, bootToShell } from './session.ts';

const NAME = 'breakpoint_test_arm64';
const TESTS = 213;
/** Those of do_timer that are looked at. */
const DO_TIMER_INSTRUCTIONS = 16;

export interface SelftestOutcome {
  readonly wrong: readonly string[];
  readonly output: string;
  /** How often the watchpoints of the debugger stopped Linux. */
  readonly debuggerStops: number;
}

/** `watchpoints`: how many hardware watchpoints a debugger holds meanwhile, on jiffies_64 and behind it. */
export async function breakpointSelftest(
  { kernel, initrd }: LinuxImages,
  binary: Uint8Array,
  watchpoints: number,
): Promise<SelftestOutcome> {
  const images = { kernel, initrd: withFiles(initrd, [{ name: NAME, bytes: binary }]) };
  const session = new OurSession({ el: 1, gic: 3, cpus: 1, cpu: 'max-supported' }, images, {
    policy: 'REMAP_SHARED',
  });
  await bootToShell(session);
  const wrong: string[] = [];
  if (watchpoints > 0) {
    const jiffies = await addressOfJiffies(session);
    for (let n = 0; n < watchpoints; n += 1) {
      const address = jiffies + BigInt(8 * n);
      const added = session.machine.kvm?.guestDebug.addWatchpoint(address, 8, 'write');
      if (added?.ok !== true) wrong.push(added?.reason ?? 'there is no hypervisor');
    }
  }
  const output = await ask(session, `/${NAME}`);
  const [, passed, failed] = /# Totals: pass:(\d+) fail:(\d+)/.exec(output) ?? [];
  if (passed !== `${TESTS}` || failed !== '0') {
    wrong.push(`${passed ?? 0} passed and ${failed ?? 'an unknown number'} failed of ${TESTS}`);
    wrong.push(...output.split('\n').filter((line) => line.startsWith('not ok')).slice(0, 5)); // prettier-ignore
  }
  const { watchpointStops } = session;
  if (watchpoints > 0 && watchpointStops === 0)
    wrong.push('the debugger saw no write of jiffies_64');
  return { wrong, output, debuggerStops: watchpointStops };
}

/** VA of jiffies_64, which is written at each tick: /proc/kallsyms has functions alone, and do_timer adds to it. */
async function addressOfJiffies(session: OurSession): Promise<bigint> {
  const answer = await ask(session, "grep ' do_timer$' /proc/kallsyms");
  const start = BigInt(`0x${/^[0-9a-f]{16}/.exec(answer)?.[0] ?? '0'}`);
  const { machine } = session;
  const pages = new Map<string, bigint>();
  for (let n = 0; n < DO_TIMER_INSTRUCTIONS; n += 1) {
    const pc = start + BigInt(4 * n);
    const { bytes, complete } = machine.readVirtual(pc, 4);
    if (!complete) break;
    const word = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const text = machine.disassemble(word, pc, (address) => `0x${address.toString(16)}`) ?? '';
    const [, register, page] = /^adrp (x\d+), (0x[0-9a-f]+)$/.exec(text) ?? [];
    if (register !== undefined && page !== undefined) pages.set(register, BigInt(page));
    const [, base, offset] = /^str x\d+, \[(x\d+), #(\w+)\]$/.exec(text) ?? [];
    const data = base === undefined ? undefined : pages.get(base);
    if (data !== undefined && offset !== undefined) return data + BigInt(offset);
  }
  throw new Error(`do_timer at 0x${start.toString(16)} does not store to jiffies_64`);
}
