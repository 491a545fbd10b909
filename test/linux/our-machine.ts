/** Linux on our machine. */
import { linuxImage } from '../../emulator/board/boot.ts';
import { RAM_BASE } from '../../emulator/board/virt-map.ts';
import { defaultHostProfile } from '../../emulator/kvm/host-profile.ts';
import { defaultPolicy } from '../../emulator/kvm/policies/index.ts';
import { Machine } from '../../emulator/machine.ts';
import type { MachineOptions, StopReason } from '../../emulator/machine.ts';
import { COMMAND_LINE, RAM_BYTES } from './configurations.ts';
import type { Configuration } from './configurations.ts';
import type { LinuxImages } from './images.ts';
import { ending, plain } from './session.ts';
import type { LinuxSession } from './session.ts';

/** Instructions between two looks at the console. */
const SLICE = 2_000_000;
/** Instructions that whatever is waited for takes at most; idle time counts. */
const PATIENCE = 60_000_000_000n;

export type OurSessionOptions = Partial<
  Pick<MachineOptions, 'policy' | 'hostProfile' | 'idRegisters'>
>;

export class OurSession implements LinuxSession {
  readonly machine: Machine;
  /** Stops at watchpoints that a debugger holds. */
  watchpointStops = 0;
  #output = '';

  constructor(
    { el, gic, cpus, cpu }: Configuration,
    { kernel, initrd }: LinuxImages,
    options: OurSessionOptions = {},
  ) {
    this.machine = new Machine({
      image: linuxImage(kernel),
      initrd,
      bootargs: COMMAND_LINE,
      ...{ el, gic, cpus, cpu },
      policy: defaultPolicy.name,
      hostProfile: defaultHostProfile,
      ...options,
      ram: [{ base: RAM_BASE, size: RAM_BYTES }],
      commandLine: '',
    });
    this.machine.console.onOutput = (bytes) => {
      this.#output += Buffer.from(bytes).toString('latin1');
    };
  }

  get output(): string {
    return this.#output;
  }

  type(text: string): void {
    this.machine.console.input(Buffer.from(text, 'latin1'));
  }

  waitFor(pattern: RegExp, from = 0): Promise<string> {
    let seen = -1;
    let text = '';
    this.#runUntil(`/${pattern.source}/`, () => {
      if (this.#output.length === seen) return false;
      seen = this.#output.length;
      text = plain(this.#output.slice(from));
      return pattern.test(text);
    });
    return Promise.resolve(text);
  }

  waitForPowerOff(): Promise<void> {
    const stop = this.#runUntil('the power off', () => false);
    if (stop?.kind === 'exit' && stop.how === 'PSCI SYSTEM_OFF') return Promise.resolve();
    throw new Error(`Linux did not turn itself off but ended with ${describeStop(stop)}`);
  }

  /** What stopped the machine for good, or undefined when `isDone`. */
  #runUntil(what: string, isDone: () => boolean): StopReason | undefined {
    const end = this.machine.retired + PATIENCE;
    let pastStop = false;
    while (!isDone()) {
      if (this.machine.retired > end) {
        throw new Error(`Linux runs without ${what}:\n${ending(this.#output)}`);
      }
      const stop = this.machine.run({ instructions: SLICE, pastStop });
      pastStop = stop.kind === 'hwWatchpoint';
      if (pastStop) this.watchpointStops += 1;
      else if (stop.kind === 'exit') return stop;
      else if (stop.kind !== 'slice' && stop.kind !== 'idle') {
        throw new Error(`Linux stopped at ${describeStop(stop)}:\n${ending(this.#output)}`);
      }
    }
    return undefined;
  }

  dispose(): void {
    // The machine has nothing of the host's.
  }
}

function describeStop(stop: StopReason | undefined): string {
  return JSON.stringify(stop, (_, value: unknown) =>
    typeof value === 'bigint' ? `0x${value.toString(16)}` : value,
  );
}
