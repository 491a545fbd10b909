/** Identification registers at the end of each 64 KiB frame: PIDR4-7, PIDR0-3, CIDR0-3. */

const FIRST = 0xffd0;

/** Implementer Arm, product GIC-500, r0p0. */
export const IIDR_GIC500 = 0x0000_043b;

/** The distributor is part 0x492, the redistributor 0x493, the ITS 0x494; PIDR2.ArchRev is 3. */
export function identification(part: number, offset: number): number | undefined {
  const values = [0x44, 0, 0, 0, part & 0xff, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1];
  return values[(offset - FIRST) / 4];
}
