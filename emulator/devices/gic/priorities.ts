/**
 * Priority grouping and active priorities of a CPU interface with 5 priority bits, all of them for
 * preemption: 32 levels. Arm GIC architecture specification (IHI 0069), "Interrupt prioritization".
 */

/** The implemented bits of a priority. */
export const PRIORITY_MASK = 0xf8;
/** As the ID fields give them: one less. */
export const PRIORITY_BITS = 5;
/** ICC_RPR_EL1 while nothing is active. */
export const IDLE_PRIORITY = 0xff;
/** Binary points that leave all five bits to the group priority. */
export const LEAST_BPR0 = 2;
export const LEAST_BPR1 = 3;

export type Group = 0 | 1;

/** A pending interrupt that may be signalled. */
export interface Candidate {
  readonly INTID: number;
  readonly priority: number;
  readonly group: Group;
}

export interface BinaryPoints {
  readonly BPR0: number;
  readonly BPR1: number;
  /** Group 1 uses BPR0 too. */
  readonly CBPR: boolean;
}

/** The part of a priority that decides about preemption. Arm GIC architecture, GroupMask(). */
export function groupPriority(
  priority: number,
  group: Group,
  { BPR0, BPR1, CBPR }: BinaryPoints,
): number {
  // BPR0 n leaves [7:n+1] as the group priority, the Non-secure BPR1 n leaves [7:n].
  const bits = group === 1 && !CBPR ? BPR1 : BPR0 + 1;
  return priority & (0xff << bits) & 0xff;
}

const levelOf = (priority: number): number => priority >>> 3;
const lowestLevel = (APR: number): number => (APR === 0 ? 32 : 31 - Math.clz32(APR & -APR));

/** ICC_AP0R0_EL1 and ICC_AP1R0_EL1, or what stands for them: bit n is set while level n is active. */
export class ActivePriorities {
  readonly #APR: [number, number] = [0, 0];

  get(group: Group): number {
    return this.#APR[group];
  }
  set(group: Group, value: number): void {
    this.#APR[group] = value >>> 0;
  }

  /** The highest active group priority, or IDLE_PRIORITY. */
  get running(): number {
    const level = Math.min(lowestLevel(this.#APR[0]), lowestLevel(this.#APR[1]));
    return level === 32 ? IDLE_PRIORITY : level << 3;
  }

  /** The group of the highest active priority. */
  get runningGroup(): Group | undefined {
    const [level0, level1] = [lowestLevel(this.#APR[0]), lowestLevel(this.#APR[1])];
    if (level0 === 32 && level1 === 32) return undefined;
    return level0 <= level1 ? 0 : 1;
  }

  activate(group: Group, priority: number): void {
    this.set(group, this.#APR[group] | (1 << levelOf(priority)));
  }

  /** Priority drop; the group whose priority it was, or undefined when none is active. */
  drop(): Group | undefined {
    const group = this.runningGroup;
    if (group !== undefined) this.#APR[group] = (this.#APR[group] & (this.#APR[group] - 1)) >>> 0;
    return group;
  }

  reset(): void {
    this.#APR.fill(0);
  }
}
