/** A machine whose guest is a few instruction words. */
import { Machine } from '../../emulator/machine.ts';

const ENTRY = 0x4008_0000n;

export interface ProgramMachineOptions {
  readonly policy?: string;
  readonly hostProfile?: string;
}

export function machineFrom(
  words: readonly number[],
  { policy = 'REMAP_SHARED', hostProfile = '6-2-4' }: ProgramMachineOptions = {},
): Machine {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, n) => {
    view.setUint32(4 * n, word, true);
  });
  return new Machine({
    image: { entry: ENTRY, segments: [{ paddr: ENTRY, bytes, memSize: bytes.length }] },
    el: 1,
    hostProfile,
    policy,
    ram: [{ base: 0x4000_0000n, size: 2 * 1024 * 1024 }],
    commandLine: '',
    checkInvariants: true,
  });
}
