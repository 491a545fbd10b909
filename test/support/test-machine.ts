/** A machine with an ELF loaded, as the debug adapter makes it. */
import { readFileSync } from 'node:fs';
import { parseElf } from '../../debug-adapter/symbols/elf.ts';
import { Machine } from '../../emulator/machine.ts';
import type { MachineOptions, StopReason } from '../../emulator/machine.ts';

export interface TestMachineOptions {
  readonly el?: 1 | 2;
  readonly cpus?: number;
  readonly policy?: string;
  readonly hostProfile?: string;
  readonly fpPolicy?: string;
  readonly hostActivity?: NonNullable<MachineOptions['hostActivity']>;
  readonly spe?: { readonly irq: number };
  readonly stage2?: boolean;
}

export interface TestMachine {
  readonly machine: Machine;
  /** What the guest has sent to its UART. */
  readonly output: () => string;
  readonly symbol: (name: string) => bigint;
  /** Runs on through idle times until something else stops the machine, or `instructions` have retired. */
  readonly run: (instructions?: number) => StopReason;
}

/** `path` is relative to the root of the repository. */
export function testMachine(path: string, options: TestMachineOptions = {}): TestMachine {
  const bytes = new Uint8Array(readFileSync(new URL(`../../${path}`, import.meta.url)));
  const image = parseElf(bytes, path);
  const machine = new Machine({
    image: {
      entry: image.entry,
      segments: image.segments.map(({ paddr, offset, fileSize, memSize }) => ({
        paddr,
        bytes: bytes.subarray(offset, offset + fileSize),
        memSize: memSize,
      })),
    },
    el: options.el ?? 1,
    cpus: options.cpus ?? 1,
    hostProfile: options.hostProfile ?? '6-2-4',
    policy: options.policy ?? 'OWNER',
    ...(options.fpPolicy !== undefined && { fpPolicy: options.fpPolicy }),
    ...(options.hostActivity !== undefined && { hostActivity: options.hostActivity }),
    spe: options.spe,
    stage2: options.stage2 ?? false,
    ram: [{ base: 0x4000_0000n, size: 16 * 1024 * 1024 }],
    commandLine: '',
    checkInvariants: true,
  });
  let text = '';
  machine.console.onOutput = (sent) => {
    text += String.fromCharCode(...sent);
  };
  return {
    machine,
    output: () => text.replaceAll('\r', ''),
    symbol: (name) => {
      const found = image.symbols.find((candidate) => candidate.name === name);
      if (!found) throw new RangeError(`${path} has no symbol ${name}`);
      return found.value;
    },
    run: (instructions = 100_000_000) => {
      const end = machine.retired + BigInt(instructions);
      let pastStop = true;
      for (;;) {
        const stop = machine.run({ instructions: 1_000_000, pastStop });
        pastStop = false;
        if (stop.kind === 'idle') continue;
        if (stop.kind !== 'slice' || machine.retired >= end) return stop;
      }
    },
  };
}
