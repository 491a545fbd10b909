import assert from 'node:assert/strict';
import { UserError } from '../../../debug-adapter/errors.ts';
import {
  describeUnknownLaunchArguments,
  formatMemorySize,
  LAUNCH_ARGUMENT_NAMES,
  validateLaunchArguments,
} from '../../../debug-adapter/launch-arguments.ts';

const choices = {
  cpuModels: ['v8.0', 'cortex-a72'],
  defaultCpuModel: 'v8.0',
  hostProfiles: ['6-2-4', '2-1-2'],
  defaultHostProfile: '6-2-4',
  policies: ['EAGER', 'OWNER'],
  defaultPolicy: 'OWNER',
  fpPolicies: ['FP_EAGER', 'FP_OWNER'],
  defaultFpPolicy: 'FP_OWNER',
  traceSchemes: ['SAVE_FLAGS', 'HOST_DATA'],
  defaultTraceScheme: 'HOST_DATA',
  hostActivities: ['fpTask', 'softirqNeon'] as const,
};

describe('Launch arguments', () => {
  it('a program alone is enough', () => {
    assert.deepEqual(validateLaunchArguments({ program: 'a.elf' }, choices), {
      program: 'a.elf',
      args: [],
      cpu: 'v8.0',
      el: 1,
      gic: 2,
      cpus: 1,
      initrd: undefined,
      append: undefined,
      symbols: undefined,
      disks: [],
      virtio: 'legacy',
      entropySeed: undefined,
      rtc: 0,
      semihosting: {},
      consoleDevice: 'uart',
      console: 'both',
      hostProfile: '6-2-4',
      policy: 'OWNER',
      idRegisters: {},
      fpPolicy: 'FP_OWNER',
      traceScheme: 'HOST_DATA',
      hostActivity: [],
      spe: false,
      stage2: false,
      memory: undefined,
      loadAddress: undefined,
      stopOnEntry: true,
      sourceMap: new Map(),
      pace: 'realtime',
      breakpointMode: 'auto',
    });
  });

  it('there are 1 to 8 processors', () => {
    assert.equal(validateLaunchArguments({ program: 'a', cpus: 8 }, choices).cpus, 8);
    for (const cpus of [0, 9, 1.5, '2']) {
      assert.throws(
        () => validateLaunchArguments({ program: 'a', cpus }, choices),
        /"cpus".*1 to 8/,
      );
    }
  });

  it('every name is one of a validated configuration', () => {
    const names = Object.keys(validateLaunchArguments({ program: 'a.elf' }, choices));
    assert.deepEqual(names.sort(), [...LAUNCH_ARGUMENT_NAMES].sort());
  });

  const sizes = [
    ['128M', 128 * 1024 * 1024],
    ['1 GiB', 1024 ** 3],
    ['4096K', 4 * 1024 * 1024],
    ['8388608', 8 * 1024 * 1024],
    [16777216, 16 * 1024 * 1024],
  ] as const;
  for (const [memory, bytes] of sizes) {
    it(`memory ${memory} is ${bytes} bytes`, () => {
      assert.equal(validateLaunchArguments({ program: 'a', memory }, choices).memory, bytes);
    });
  }

  it('sizes are written in the largest unit that divides them', () => {
    assert.equal(formatMemorySize(128 * 1024 * 1024), '128M');
    assert.equal(formatMemorySize(1024 ** 3), '1G');
    assert.equal(formatMemorySize(1025 * 1024), '1025K');
  });

  for (const given of [undefined, null, 3, [], {}, { program: '' }]) {
    it(`${given === undefined ? 'undefined' : JSON.stringify(given)} lacks a program`, () => {
      assert.throws(() => validateLaunchArguments(given, choices), UserError);
    });
  }

  it('an unknown attribute is told with the one that was meant', () => {
    assert.deepEqual(
      describeUnknownLaunchArguments({
        program: 'a',
        stopOnEnty: true,
        colour: 'blue',
        type: 'trapline',
        __sessionId: 1,
      }),
      [
        '"stopOnEnty" in the launch configuration is not known. Did you mean "stopOnEntry"?',
        '"colour" in the launch configuration is not known. It has no effect.',
      ],
    );
  });
});
