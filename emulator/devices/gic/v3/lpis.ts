/**
 * The LPIs of one redistributor. Their configuration is a table in memory with a byte for each, of
 * which the redistributor keeps copies until it is told that they are out of date; their pending states
 * are a table in memory too, which the redistributor holds while LPIs are enabled. Arm GIC architecture
 * specification (IHI 0069), "LPIs".
 */
import type { DeviceEvents } from '../../device.ts';
import type { InterruptDescription } from '../interrupt-controller.ts';
import { PRIORITY_MASK } from '../priorities.ts';
import type { Candidate } from '../priorities.ts';
import type { PhysicalMemory } from '../../physical-memory.ts';

export const FIRST_LPI = 8192;
/** INTIDs have 16 bits. */
export const INTID_BITS = 16;

const CONFIGURATION_ENABLE = 1;
const TABLE_ADDRESS = 0x000f_ffff_ffff_f000n;
const PENDING_TABLE_ADDRESS = 0x000f_ffff_ffff_0000n;
const PROPBASER_IDBITS = 0x1fn;
const NAME = 'GIC redistributor';

interface SavedLpis {
  readonly pending: readonly number[];
  readonly configuration: readonly (readonly [number, number])[];
}

export class Lpis {
  readonly #memory: PhysicalMemory;
  readonly #events: DeviceEvents;
  readonly #pending = new Set<number>();
  readonly #configuration = new Map<number, number>();
  /** The register values under which LPIs were enabled; undefined while they are disabled. */
  #tables: { GICR_PROPBASER: bigint; GICR_PENDBASER: bigint } | undefined;
  /** null: none; undefined: not known. */
  #best: Candidate | null | undefined;

  constructor(memory: PhysicalMemory, events: DeviceEvents) {
    this.#memory = memory;
    this.#events = events;
  }

  get areEnabled(): boolean {
    return this.#tables !== undefined;
  }

  /** How many INTIDs the tables have. */
  get #limit(): number {
    if (this.#tables === undefined) return 0;
    const IDbits = Number(this.#tables.GICR_PROPBASER & PROPBASER_IDBITS);
    return 2 ** Math.min(IDbits + 1, INTID_BITS);
  }

  exists(INTID: number): boolean {
    return INTID >= FIRST_LPI && INTID < this.#limit;
  }

  /** GICR_CTLR.EnableLPIs is set. `isZero`: GICR_PENDBASER.PTZ says that nothing is pending. */
  enable(GICR_PROPBASER: bigint, GICR_PENDBASER: bigint, isZero: boolean): void {
    this.#tables = { GICR_PROPBASER, GICR_PENDBASER };
    this.#configuration.clear();
    this.#pending.clear();
    this.#best = undefined;
    if (isZero || this.#limit <= FIRST_LPI) return;
    const base = (GICR_PENDBASER & PENDING_TABLE_ADDRESS) + BigInt(FIRST_LPI / 8);
    const table = this.#memory.read(base, (this.#limit - FIRST_LPI) / 8);
    if (table === undefined) {
      this.#guestError(`the LPI pending table at 0x${base.toString(16)} is not in RAM`);
      return;
    }
    table.forEach((byte, at) => {
      if (byte === 0) return;
      for (let n = 0; n < 8; n += 1) {
        if (((byte >>> n) & 1) === 1) this.#pending.add(FIRST_LPI + 8 * at + n);
      }
    });
  }

  /** GICR_CTLR.EnableLPIs is cleared: the table in memory has the pending states again. */
  disable(): void {
    if (this.#tables === undefined) return;
    const base = (this.#tables.GICR_PENDBASER & PENDING_TABLE_ADDRESS) + BigInt(FIRST_LPI / 8);
    const bytes = Math.max(0, this.#limit - FIRST_LPI) / 8;
    const table = new Uint8Array(bytes);
    for (const INTID of this.#pending) {
      const at = (INTID - FIRST_LPI) >>> 3;
      table[at] = (table[at] ?? 0) | (1 << (INTID & 7));
    }
    if (bytes > 0 && !this.#memory.write(base, table)) {
      this.#guestError(`the LPI pending table at 0x${base.toString(16)} is not in RAM`);
    }
    this.#tables = undefined;
    this.#configuration.clear();
    this.#pending.clear();
    this.#best = undefined;
  }

  reset(): void {
    this.#tables = undefined;
    this.#configuration.clear();
    this.#pending.clear();
    this.#best = undefined;
  }

  isPending(INTID: number): boolean {
    return this.#pending.has(INTID);
  }
  /** Nothing happens while LPIs are disabled. */
  setPending(INTID: number, pending: boolean): void {
    if (!this.exists(INTID)) return;
    if (pending) this.#pending.add(INTID);
    else this.#pending.delete(INTID);
    this.#best = undefined;
  }
  get pending(): readonly number[] {
    return [...this.#pending].sort((a, b) => a - b);
  }

  /** LPIs that are pending, or whose configuration has been looked at and enables them; for people. */
  describe(cpu: number): InterruptDescription[] {
    const enabled = [...this.#configuration].flatMap(([INTID, byte]) => {
      return (byte & CONFIGURATION_ENABLE) !== 0 ? [INTID] : [];
    });
    const INTIDs = [...new Set([...this.#pending, ...enabled])].sort((a, b) => a - b);
    return INTIDs.map((INTID) => {
      const byte = this.#configuration.get(INTID) ?? 0;
      return {
        INTID,
        cpu,
        pending: this.isPending(INTID),
        active: false,
        enabled: (byte & CONFIGURATION_ENABLE) !== 0,
        group: 1,
        priority: byte & PRIORITY_MASK,
        trigger: 'edge',
        targets: [cpu],
      };
    });
  }

  /** The copy of one LPI's configuration is out of date, or of all. */
  invalidate(INTID?: number): void {
    if (INTID === undefined) this.#configuration.clear();
    else this.#configuration.delete(INTID);
    this.#best = undefined;
  }

  #configurationOf(INTID: number): number {
    let byte = this.#configuration.get(INTID);
    if (byte === undefined) {
      const base = (this.#tables?.GICR_PROPBASER ?? 0n) & TABLE_ADDRESS;
      const at = base + BigInt(INTID - FIRST_LPI);
      const table = this.#memory.read(at, 1);
      if (table === undefined) {
        this.#guestError(`the LPI configuration table at 0x${base.toString(16)} is not in RAM`);
      }
      byte = table?.[0] ?? 0;
      this.#configuration.set(INTID, byte);
    }
    return byte;
  }
  isEnabled(INTID: number): boolean {
    return this.exists(INTID) && (this.#configurationOf(INTID) & CONFIGURATION_ENABLE) !== 0;
  }
  priority(INTID: number): number {
    return this.#configurationOf(INTID) & PRIORITY_MASK;
  }

  /** The pending and enabled LPI of highest priority; of equal ones the lowest INTID. Group 1 all. */
  get highestPending(): Candidate | undefined {
    if (this.#best === undefined) this.#best = this.#findHighest() ?? null;
    return this.#best ?? undefined;
  }

  #findHighest(): Candidate | undefined {
    let best: Candidate | undefined;
    for (const INTID of this.#pending) {
      if (!this.isEnabled(INTID)) continue;
      const priority = this.priority(INTID);
      const isBetter =
        best === undefined ||
        priority < best.priority ||
        (priority === best.priority && INTID < best.INTID);
      if (isBetter) best = { INTID, priority, group: 1 };
    }
    return best;
  }

  #guestError(message: string): void {
    this.#events.guestError(NAME, message);
  }

  saveState(): unknown {
    return {
      pending: this.pending,
      configuration: [...this.#configuration],
    } satisfies SavedLpis;
  }
  /** The register values are those that the redistributor has restored. */
  restoreState(
    state: unknown,
    tables: { GICR_PROPBASER: bigint; GICR_PENDBASER: bigint } | undefined,
  ): void {
    const saved = state as SavedLpis;
    this.reset();
    this.#tables = tables && { ...tables };
    for (const INTID of saved.pending) this.#pending.add(INTID);
    for (const [INTID, byte] of saved.configuration) this.#configuration.set(INTID, byte);
  }
}
