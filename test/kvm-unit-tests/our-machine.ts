/** One test on our machine; the migration tests move to a fresh machine where they ask for it. */
import { boardDeviceTree } from '../../emulator/board/device-tree.ts';
import { flattenDeviceTree } from '../../emulator/board/flattened-device-tree.ts';
import { RAM_BASE } from '../../emulator/board/virt-map.ts';
import { defaultHostProfile } from '../../emulator/kvm/host-profile.ts';
import { Machine } from '../../emulator/machine.ts';
import type { ImageSegment, MachineOptions } from '../../emulator/machine.ts';
import { ENVIRONMENT } from './environment.ts';
import { outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { TestCase } from './unittests-config.ts';

/** Where QEMU's board loads an image without a header, and the RAM that it keeps free of the device tree. */
const IMAGE_OFFSET = 0x8_0000n;
const MOST_BEFORE_TREE = 128n << 20n;
const TREE_BYTES = 1n << 20n;
/** Instructions in one call of the machine. */
const SLICE = 1_000_000;

export interface OurRun extends Outcome {
  /** Instructions retired, all processors together. */
  readonly instructions: number;
  readonly milliseconds: number;
  readonly output: string;
}

export interface OurRunOptions {
  readonly policy: string;
  /** Instructions after which a test has not ended. */
  readonly mostInstructions: number;
}

export function runOnOurMachine(test: TestCase, image: Uint8Array, options: OurRunOptions): OurRun {
  const start = performance.now();
  const configuration = configure(test, image, options.policy);
  let output = '';
  const create = (): Machine => {
    const created = new Machine(configuration);
    created.console.onOutput = (bytes) => {
      output += String.fromCharCode(...bytes);
    };
    return created;
  };
  let machine = create();
  let handled = 0;
  let retired = 0;
  let remark: string | undefined;
  /** What the machine said that it lacks; it goes on as the architecture does without it. */
  const missing = new Set<string>();
  let status: number | undefined;
  while (retired < options.mostInstructions) {
    const stop = machine.run({ instructions: SLICE, pastStop: false });
    retired += SLICE;
    if (stop.kind === 'exit') {
      if (stop.how === 'exit device') status = stop.status;
      break;
    }
    if (stop.kind === 'unimplemented') {
      missing.add(stop.what);
      continue;
    }
    if (stop.kind !== 'slice' && stop.kind !== 'idle') {
      remark = `the machine stopped: ${JSON.stringify(stop, (_, value: unknown) => printable(value))}`;
      break;
    }
    const request = migrationRequest(output.slice(handled));
    if (request !== undefined) {
      handled = output.length;
      if (request === 'migrate') {
        const destination = create();
        destination.restore(machine.save());
        machine = destination;
      }
      machine.console.input(Uint8Array.of(0x0a));
    }
  }
  const outcome = outcomeOf(output, status);
  return {
    ...outcome,
    remarks: [
      ...outcome.remarks,
      ...(remark === undefined ? [] : [remark]),
      ...[...missing].map((what) => `not implemented: ${what}`),
    ],
    instructions: Number(machine.retired),
    milliseconds: performance.now() - start,
    output,
  };
}

/** What the test asks of whoever runs it, each time followed by a wait for a key. */
function migrationRequest(output: string): 'migrate' | 'key' | undefined {
  if (/Now migrate the VM.*\n/.test(output)) return 'migrate';
  return /Skipped VM migration.*\n/.test(output) ? 'key' : undefined;
}

function printable(value: unknown): unknown {
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
}

function configure(test: TestCase, image: Uint8Array, policy: string): MachineOptions {
  const ram = [{ base: RAM_BASE, size: test.memory }];
  const half = BigInt(test.memory) / 2n;
  const tree = RAM_BASE + (half < MOST_BEFORE_TREE ? half : MOST_BEFORE_TREE);
  const initrd = { start: tree + TREE_BYTES, end: tree + TREE_BYTES + BigInt(ENVIRONMENT.length) };
  const description = boardDeviceTree({
    cpus: test.cpus,
    ram,
    el: 1,
    gic: test.gic,
    bootargs: test.args,
    initrd,
  });
  const segment = (paddr: bigint, bytes: Uint8Array): ImageSegment => ({
    paddr,
    bytes,
    memSize: bytes.length,
  });
  return {
    image: {
      entry: RAM_BASE,
      segments: [
        segment(RAM_BASE, bootStub(tree, RAM_BASE + IMAGE_OFFSET)),
        segment(RAM_BASE + IMAGE_OFFSET, image),
        segment(tree, flattenDeviceTree(description)),
        segment(initrd.start, ENVIRONMENT),
      ],
    },
    el: 1,
    gic: test.gic,
    cpu: 'max-supported',
    cpus: test.cpus,
    hostProfile: defaultHostProfile,
    policy,
    ram,
    commandLine: '',
    virtio: { console: 'exit' },
  };
}

/** The boot protocol for AArch64: X0 is the device tree's address. */
function bootStub(tree: bigint, entry: bigint): Uint8Array {
  // ldr x0, tree; ldr x4, entry; br x4; nop
  const code = Uint32Array.of(0x5800_0080, 0x5800_00a4, 0xd61f_0080, 0xd503_201f);
  const stub = new Uint8Array(32);
  stub.set(new Uint8Array(code.buffer));
  new DataView(stub.buffer).setBigUint64(16, tree, true);
  new DataView(stub.buffer).setBigUint64(24, entry, true);
  return stub;
}
