/** A guest whose exception handlers write down what they see, and return with debug exceptions masked. */
import { b, eret, mov, mrs, msr } from './a64.ts';
import { CODE, DATA, KvmGuest, VECTORS } from './kvm-guest.ts';
import type { GuestOptions } from './kvm-guest.ts';

export const SPSR_D = 1n << 9n;
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Where the handlers of the guest write what they see: ESR_EL1, ELR_EL1 and FAR_EL1 of each exception. */
export const RECORDS = DATA + 0x4000n;
export const HANDLER = CODE + 0x4000n;

export interface GuestEvent {
  readonly ESR: bigint;
  readonly ELR: bigint;
  readonly FAR: bigint;
}

/** str x26, [x28], #8 */
const STORE_RECORD = 0xf800879a;
export const RECORD = ['ESR_EL1', 'ELR_EL1', 'FAR_EL1'].flatMap((name) => [
  mrs(26, name),
  STORE_RECORD,
]);
/** orr x26, x26, x25 */
const ORR_X26_X25 = 0xaa19035a;
/** Returns with a bit of SPSR_EL1 set. */
export const returnWith = (bit: bigint): number[] =>
  [mrs(26, 'SPSR_EL1'), mov(25, bit), ORR_X26_X25, msr('SPSR_EL1', 26), eret].flat();

/** A guest whose handlers record each exception and return with debug exceptions masked. */
export function recordingGuest(options: GuestOptions = {}): KvmGuest {
  const guest = new KvmGuest({ policy: 'REMAP_SHARED', ...options });
  guest.place(HANDLER, [...RECORD, ...returnWith(SPSR_D)]);
  for (const offset of [0x200n, 0x400n]) {
    guest.place(VECTORS + offset, [b(Number(HANDLER - VECTORS - offset))]);
  }
  guest.pe.state.setX(28, RECORDS);
  return guest;
}

export function recorded(guest: KvmGuest): GuestEvent[] {
  const count = Number(guest.X(28) - RECORDS) / 24;
  return range(count).map((n) => {
    const at = RECORDS + BigInt(24 * n);
    return {
      ESR: guest.readMemory(at),
      ELR: guest.readMemory(at + 8n),
      FAR: guest.readMemory(at + 16n),
    };
  });
}
