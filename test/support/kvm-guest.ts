/**
 * A guest of a few instructions under the hypervisor, on a real processing element with 1 MiB of RAM and
 * the MMU off.
 */
import { ProcessingElement } from '../../emulator/cpu/pe.ts';
import type { Bus, PeEvent } from '../../emulator/cpu/pe.ts';
import { Kvm } from '../../emulator/kvm/kvm.ts';
import type { KvmOptions } from '../../emulator/kvm/kvm.ts';
import type { KvmExit } from '../../emulator/kvm/kvm-exit.ts';
import { parseHostProfile } from '../../emulator/kvm/host-profile.ts';
import type { HostProfile } from '../../emulator/kvm/host-profile.ts';
import { ProcessingElementCpu } from '../../emulator/kvm/processing-element.ts';
import { Stage2 } from '../../emulator/kvm/stage-2.ts';
import type { IpaRegion } from '../../emulator/kvm/stage-2.ts';
import type { ProcessorProfile } from '../../emulator/sysregs/processor-model.ts';
import type { WorldSwitchEvent } from '../../emulator/kvm/world-switch-log.ts';
import { hvc } from './a64.ts';

export const RAM_BASE = 0x4000_0000n;
const RAM_SIZE = 1 << 20;
const NO_DEVICES: Bus = { read: () => undefined, write: () => false, peek: () => undefined };
/** Where programs stand. */
export const CODE = 0x4000_1000n;
/** VBAR_EL1. Each vector holds `hvc #0xeeee`, so an exception nobody expects ends the run. */
export const VECTORS = 0x4000_8000n;
export const DATA = 0x4001_0000n;

/** `hvc #0xffff` ends a program, `hvc #0xeeee` stands in the vectors; other numbers are marks. */
export const DONE = hvc(0xffff);
const UNEXPECTED = hvc(0xeeee);

export interface GuestOptions extends Omit<Partial<KvmOptions>, 'profile' | 'cpu'> {
  readonly profile?: string;
  readonly startsAtEL0?: boolean;
  /** What the processor has beside its profile. */
  readonly features?: Partial<ProcessorProfile>;
  /** Bytes of RAM. Default 1 MiB. */
  readonly ramSize?: number;
  /** Default: nothing there. */
  readonly bus?: Bus;
  /** Stage 2 is on, and these addresses belong to user space. */
  readonly userspace?: readonly IpaRegion[];
}

/** A profile that is not listed is found as well. */
function profileOf(name: string): HostProfile {
  const profile = parseHostProfile(name);
  if (profile === undefined) throw new TypeError(`There is no profile ${name}`);
  return profile;
}

export type GuestStop =
  | { readonly kind: 'done' }
  | { readonly kind: 'budget' }
  /** An exception to the guest's EL1 that its test has no handler for. */
  | { readonly kind: 'vector'; readonly offset: number }
  | { readonly kind: 'exit'; readonly exit: KvmExit }
  /** Something that is not the hypervisor's business. */
  | { readonly kind: 'event'; readonly event: PeEvent };

/** What a mark of the guest (`hvc #imm`) does, while the guest is stopped at EL2. */
export type Mark = (guest: KvmGuest) => void;

export class KvmGuest {
  readonly pe: ProcessingElement;
  readonly kvm: Kvm;
  readonly marks = new Map<number, Mark>();
  #finished: GuestStop | undefined;
  #exit: KvmExit | undefined;

  constructor(options: GuestOptions = {}) {
    const {
      profile: name = '6-2-4',
      startsAtEL0 = false,
      features = {},
      ramSize = RAM_SIZE,
      bus = NO_DEVICES,
      userspace,
      ...rest
    } = options;
    const named = profileOf(name);
    const profile = { ...named, processor: { ...named.processor, ...features } };
    const stage2 = userspace === undefined ? undefined : new Stage2(userspace);
    this.pe = new ProcessingElement({
      profile: profile.processor,
      memory: [{ base: RAM_BASE, size: ramSize }],
      bus: stage2?.behind(bus) ?? bus,
      startEL: 1,
      unalignedDeviceAccess: 'allow',
    });
    const cpu = new ProcessingElementCpu(this.pe);
    this.kvm = new Kvm({
      checkInvariants: true,
      ...rest,
      cpu,
      profile,
      stage2,
      hypercall: ({ imm16 }) => this.#hypercall(imm16),
    });
    this.pe.el2Software = cpu.el2Software(
      () => this.kvm.handleExit(),
      (exit) => {
        this.#exit = exit;
      },
    );
    for (let offset = 0n; offset < 0x800n; offset += 0x80n) {
      this.place(VECTORS + offset, [UNEXPECTED]);
    }
    this.kvm.reset(CODE);
    this.pe.pokeRegister('VBAR_EL1', VECTORS);
    this.pe.pokeRegister('SP_EL0', DATA + 0x8000n);
    if (startsAtEL0) this.pe.pokeRegister('PSTATE', 0n);
  }

  #hypercall(imm16: number): ReturnType<NonNullable<KvmOptions['hypercall']>> {
    const end = (stop: GuestStop): ReturnType<NonNullable<KvmOptions['hypercall']>> => {
      this.#finished = stop;
      return { kind: 'exit', exit: { exit_reason: 'KVM_EXIT_SYSTEM_EVENT', type: 'SHUTDOWN' } };
    };
    if (imm16 === 0xffff) return end({ kind: 'done' });
    if (imm16 === 0xeeee) {
      const offset = Number(this.kvm.vcpu.pc - 4n - VECTORS);
      return end({ kind: 'vector', offset });
    }
    this.marks.get(imm16)?.(this);
    return { kind: 'return', X0: this.pe.state.X(0) };
  }

  place(address: bigint, words: readonly number[]): void {
    const bytes = new Uint8Array(4 * words.length);
    const view = new DataView(bytes.buffer);
    words.forEach((word, n) => {
      view.setUint32(4 * n, word, true);
    });
    if (!this.pe.pokeVirtual(address, bytes)) throw new TypeError('not RAM');
  }

  /** Places a program at CODE. */
  program(...words: readonly (number | readonly number[])[]): this {
    this.place(CODE, words.flat());
    return this;
  }

  /** KVM_RUN until it returns, the program ends, or so many instructions have retired. */
  run(budget = 100_000, { pastStop = false }: { readonly pastStop?: boolean } = {}): GuestStop {
    this.#finished = undefined;
    this.#exit = undefined;
    this.kvm.resume({ pastStop });
    return this.#stop(this.pe.run(budget));
  }

  #stop(event: PeEvent): GuestStop {
    switch (event.kind) {
      case 'budget':
        return { kind: 'budget' };
      case 'stopped':
        if (this.#finished !== undefined) return this.#finished;
        if (this.#exit !== undefined) return { kind: 'exit', exit: this.#exit };
        throw new TypeError('stopped without a reason');
      default:
        return { kind: 'event', event };
    }
  }

  get PC(): bigint {
    return this.pe.state.PC;
  }

  X(n: number): bigint {
    return this.pe.state.X(n);
  }

  /** A register of the processor. */
  physical(name: string): bigint {
    return this.pe.peekRegister(name);
  }

  /** A debug register as the guest would read it. */
  guest(name: string): bigint {
    const value = this.kvm.guestDebugRegister(name);
    if (value === undefined) throw new TypeError(`${name} is no debug register`);
    return value;
  }

  readMemory(address: bigint): bigint {
    const bytes = this.pe.peekVirtual(address, 8);
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  }

  traps(name: string): number {
    return this.kvm.log.traps.get(name) ?? 0;
  }

  events(kind?: WorldSwitchEvent['kind']): readonly WorldSwitchEvent[] {
    const all = this.kvm.events(0, Number.MAX_SAFE_INTEGER);
    return kind === undefined ? all : all.filter((event) => event.kind === kind);
  }
}
