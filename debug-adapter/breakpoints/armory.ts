/** Arms places in the guest with the mechanism that a mode asks for, and says why where that is impossible. */
import type { GuestMemory } from '../guest-memory.ts';
import type { BreakpointMode } from '../launch-arguments.ts';
import type { DebuggedMachine, SlotRow, WatchAccess } from '../machine.ts';
import { hex } from '../registers.ts';

export type Armed =
  | { readonly mechanism: 'vm'; readonly id: number }
  | { readonly mechanism: 'hw'; readonly slot: number }
  | { readonly mechanism: 'sw'; readonly address: bigint };

export type ArmResult =
  | { readonly ok: true; readonly armed: Armed; readonly message: string }
  | { readonly ok: false; readonly message: string };

export interface WatchHit {
  readonly old: Uint8Array;
  readonly new: Uint8Array;
  readonly isWrite: boolean;
}

export class Armory {
  readonly #machine: DebuggedMachine;
  readonly #memory: GuestMemory;
  readonly #describe: (address: bigint) => string;
  /** Users of each patched address. */
  readonly #patched = new Map<bigint, number>();

  constructor(
    machine: DebuggedMachine,
    memory: GuestMemory,
    describe: (address: bigint) => string,
  ) {
    this.#machine = machine;
    this.#memory = memory;
    this.#describe = describe;
  }

  armBreakpoint(address: bigint, mode: BreakpointMode, onHit: () => boolean): ArmResult {
    switch (mode) {
      case 'auto':
      case 'vm':
        return {
          ok: true,
          armed: { mechanism: 'vm', id: this.#machine.addBreakpoint(address, onHit) },
          message: '',
        };
      case 'hw':
        return this.#armHardware(address);
      case 'sw':
        return this.#armSoftware(address);
    }
  }

  armWatchpoint(
    range: { readonly address: bigint; readonly length: number; readonly access: WatchAccess },
    mode: BreakpointMode,
    onHit: (hit: WatchHit) => boolean,
  ): ArmResult {
    const { address, length, access } = range;
    let whyNotHardware = '';
    if (mode === 'auto' || mode === 'hw') {
      const kvm = this.#machine.kvm;
      if (kvm === undefined) {
        whyNotHardware = NO_HYPERVISOR;
      } else {
        const result = kvm.guestDebug.addWatchpoint(address, length, access);
        if (result.ok) {
          return {
            ok: true,
            armed: { mechanism: 'hw', slot: result.slot },
            message: `Hardware watchpoint in slot ${result.slot} (DBGWVR${result.slot}_EL1).`,
          };
        }
        whyNotHardware = result.reason;
      }
      if (mode === 'hw') {
        return { ok: false, message: this.#refusal(whyNotHardware, 'watchpoint') };
      }
    }
    const id = this.#machine.addWatchpoint(range, onHit);
    const because = whyNotHardware === '' ? '' : ` No hardware slot: ${whyNotHardware}`;
    return {
      ok: true,
      armed: { mechanism: 'vm', id },
      message: `Watched by the machine, invisible to the guest.${because}`,
    };
  }

  disarmBreakpoint(armed: Armed): void {
    switch (armed.mechanism) {
      case 'vm':
        this.#machine.removeBreakpoint(armed.id);
        break;
      case 'hw':
        this.#machine.kvm?.guestDebug.removeBreakpoint(armed.slot);
        break;
      case 'sw':
        this.#release(armed.address);
        break;
    }
  }

  disarmWatchpoint(armed: Armed): void {
    if (armed.mechanism === 'vm') this.#machine.removeWatchpoint(armed.id);
    else if (armed.mechanism === 'hw') this.#machine.kvm?.guestDebug.removeWatchpoint(armed.slot);
  }

  /** The ledger of one kind of slots, one row each, for people. */
  slotTable(kind: SlotRow['kind']): string {
    const rows = this.#machine.kvm?.guestDebug.slots().filter((row) => row.kind === kind) ?? [];
    return rows
      .map((row) => {
        const place = row.owner === 'free' ? '' : ` ${this.#describe(row.value)}`;
        return `${row.slot}: ${row.owner}${place}`;
      })
      .join('; ');
  }

  #armHardware(address: bigint): ArmResult {
    const kvm = this.#machine.kvm;
    if (kvm === undefined) return { ok: false, message: NO_HYPERVISOR };
    const result = kvm.guestDebug.addBreakpoint(address);
    if (!result.ok) return { ok: false, message: this.#refusal(result.reason, 'breakpoint') };
    return {
      ok: true,
      armed: { mechanism: 'hw', slot: result.slot },
      message: `Hardware breakpoint in slot ${result.slot} (DBGBVR${result.slot}_EL1).`,
    };
  }

  #refusal(reason: string, kind: SlotRow['kind']): string {
    const table = this.slotTable(kind);
    const ledger = table === '' ? '' : ` Slots: ${table}.`;
    return `${reason}${ledger} Remove one, or use the mode "vm".`;
  }

  #armSoftware(address: bigint): ArmResult {
    const kvm = this.#machine.kvm;
    if (kvm === undefined) return { ok: false, message: NO_HYPERVISOR };
    const claimed = kvm.guestDebug.claimBreakpointInstructions((pc) => this.#patched.has(pc));
    if (!claimed.ok) return { ok: false, message: `${claimed.reason} Use the mode "vm".` };
    if (!this.#memory.patch(address)) {
      return {
        ok: false,
        message: `No BRK can be written at ${hex(address)}: nothing is mapped there. Use the mode "vm".`,
      };
    }
    this.#patched.set(address, (this.#patched.get(address) ?? 0) + 1);
    return {
      ok: true,
      armed: { mechanism: 'sw', address },
      message: `BRK written at ${hex(address)}; the guest can read it.`,
    };
  }

  #release(address: bigint): void {
    const users = (this.#patched.get(address) ?? 0) - 1;
    if (users > 0) {
      this.#patched.set(address, users);
      return;
    }
    this.#patched.delete(address);
    this.#memory.unpatch(address);
    if (this.#patched.size === 0) {
      this.#machine.kvm?.guestDebug.claimBreakpointInstructions(undefined);
    }
  }
}

const NO_HYPERVISOR =
  'The guest runs at EL2 and owns the debug registers itself, so no slot can be taken from it.';
