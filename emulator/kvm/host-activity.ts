/**
 * What the host does beside running the guest, on a schedule that counts its timer interrupts: other users of
 * the registers that it shares with its guests.
 */

export const hostActivities = [
  {
    name: 'fpTask',
    description:
      'The host runs another thread that computes with V0 to V31, and comes back to the vCPU.',
  },
  {
    name: 'softirqNeon',
    description: 'A softirq computes with V0 to V31 (kernel-mode NEON) without a change of thread.',
  },
  {
    name: 'hostBreakpoint',
    description: 'The host sets a breakpoint of its own in DBGBVR0_EL1, or removes it.',
  },
  {
    name: 'hostProfiling',
    description: 'The host starts or stops sampling itself with SPE.',
  },
  {
    name: 'hostTrace',
    description: 'The host starts or stops tracing itself into its trace buffer.',
  },
] as const;

export type HostActivityName = (typeof hostActivities)[number]['name'];

export interface HostActivity {
  readonly do: HostActivityName;
  /** Which interrupt of the host, counted from 1 at reset. */
  readonly tick: number;
  /** Again after so many interrupts. Absent: once. */
  readonly every?: number;
}

export function isHostActivityName(name: string): name is HostActivityName {
  return hostActivities.some((activity) => activity.name === name);
}

/** What is due at an interrupt, in the order of the schedule. */
export function dueActivities(
  schedule: readonly HostActivity[],
  tick: number,
): readonly HostActivityName[] {
  return schedule
    .filter(({ tick: first, every }) => {
      if (tick < first) return false;
      return every === undefined ? tick === first : (tick - first) % every === 0;
    })
    .map(({ do: name }) => name);
}

/** @throws RangeError for a schedule that cannot be kept */
export function checkSchedule(schedule: readonly HostActivity[]): void {
  for (const [n, { do: name, tick, every }] of schedule.entries()) {
    const what = `Host activity ${n}`;
    if (!isHostActivityName(name)) {
      const known = hostActivities.map((activity) => activity.name).join(', ');
      throw new RangeError(`${what} is '${String(name)}'; the host knows ${known}.`);
    }
    if (!Number.isInteger(tick) || tick < 1) {
      throw new RangeError(`${what} is due at tick ${tick}; ticks count from 1.`);
    }
    if (every !== undefined && (!Number.isInteger(every) || every < 1)) {
      throw new RangeError(`${what} is repeated every ${every} ticks; it has to be 1 or more.`);
    }
  }
}
