/** A benchmark guest on our own machine, without the debug adapter. */
import { layOutRam } from '../../debug-adapter/ram-layout.ts';
import { machineFactory } from '../../debug-adapter/machine-factory.ts';
import { Machine } from '../../emulator/machine.ts';
import type { Guest } from './elf-guest.ts';

export function createMachine({ image, name }: Guest): Machine {
  const segments = image.segments.map(({ paddr, offset, fileSize, memSize }) => ({
    paddr,
    bytes: image.bytes.subarray(offset, offset + fileSize),
    memSize,
  }));
  return new Machine({
    image: { segments, entry: image.entry },
    el: 1,
    hostProfile: machineFactory.defaultHostProfile,
    policy: machineFactory.defaultPolicy,
    ram: layOutRam(name, segments, machineFactory, undefined),
    commandLine: name,
  });
}

export interface MachineRun {
  readonly milliseconds: number;
  /** What the guest sent to its UART. */
  readonly output: string;
  readonly instructions: number;
}

const SLICE = 4_000_000;

/** Runs to the guest's own end. */
export function runToExit(machine: Machine): MachineRun {
  let output = '';
  machine.console.onOutput = (bytes) => {
    output += String.fromCharCode(...bytes);
  };
  const before = machine.retired;
  const start = performance.now();
  for (;;) {
    const stop = machine.run({ instructions: SLICE, pastStop: false });
    if (stop.kind === 'exit') break;
    if (stop.kind !== 'slice') throw new Error(`the guest stopped: ${stop.kind}`);
  }
  return {
    milliseconds: performance.now() - start,
    output: output.trim(),
    instructions: Number(machine.retired - before),
  };
}
