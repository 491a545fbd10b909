/** Makes the machines that sessions debug, and knows what they can be asked for. */
import { BOARD_DEVICES, DEFAULT_RAM_BYTES, RAM_BASE } from '../emulator/board/virt-map.ts';
import { defaultHostProfile, hostProfiles } from '../emulator/kvm/host-profile.ts';
import { defaultFpPolicy, fpPolicies } from '../emulator/kvm/fpsimd/index.ts';
import { hostActivities } from '../emulator/kvm/host-activity.ts';
import { defaultPolicy, policies } from '../emulator/kvm/policies/index.ts';
import { defaultTraceScheme, traceSchemes } from '../emulator/kvm/trace/index.ts';
import { Machine } from '../emulator/machine.ts';
import { PolicyComparison } from '../emulator/policy-comparison.ts';
import { cpuModels, defaultCpuModel } from '../emulator/sysregs/cpu-model.ts';
import type { MachineFactory } from './machine.ts';

export const machineFactory: MachineFactory = {
  cpuModels,
  defaultCpuModel: defaultCpuModel.name,
  hostProfiles,
  defaultHostProfile,
  policies,
  defaultPolicy: defaultPolicy.name,
  fpPolicies,
  defaultFpPolicy: defaultFpPolicy.name,
  traceSchemes,
  defaultTraceScheme: defaultTraceScheme.name,
  hostActivities,
  defaultRam: { base: RAM_BASE, size: DEFAULT_RAM_BYTES },
  devices: BOARD_DEVICES.map(({ name, base, length }) => ({ name, base, size: BigInt(length) })),
  create: (options) => new Machine(options),
  comparePolicies: (run) => new PolicyComparison(run),
};
