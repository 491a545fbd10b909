/** The machines that the debug adapter makes, with the invariants of the hypervisor checked at each of its events. */
import type { MachineFactory } from '../../debug-adapter/machine.ts';
import { machineFactory } from '../../debug-adapter/machine-factory.ts';
import { Machine } from '../../emulator/machine.ts';

export const checkingFactory: MachineFactory = {
  ...machineFactory,
  create: (options) => new Machine({ ...options, checkInvariants: true }),
};
