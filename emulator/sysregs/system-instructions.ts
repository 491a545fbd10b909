/** The aliases of SYS that an Armv8.0 processor with EL2 has. Every other SYS and SYSL is UNDEFINED. */
import { systemInstructionByName } from './catalogue.ts';
import type { SystemInstruction } from './catalogue.ts';

const v8_0Names: Readonly<Record<'at' | 'dc' | 'ic' | 'tlbi', readonly string[]>> = {
  at: 'S1E1R S1E1W S1E0R S1E0W S1E2R S1E2W S12E1R S12E1W S12E0R S12E0W'.split(' '),
  dc: 'IVAC ISW CSW CISW ZVA CVAC CVAU CIVAC'.split(' '),
  ic: 'IALLUIS IALLU IVAU'.split(' '),
  tlbi: (
    'VMALLE1 VAE1 ASIDE1 VAAE1 VALE1 VAALE1 IPAS2E1 IPAS2LE1 ' + 'ALLE2 VAE2 ALLE1 VALE2 VMALLS12E1'
  )
    .split(' ')
    .flatMap((name) => [name, `${name}IS`]),
};

/** By packed encoding (op0 = 1). */
export const implementedInstructions: ReadonlyMap<number, SystemInstruction> = new Map(
  Object.entries(v8_0Names).flatMap(([kind, names]) =>
    names.map((name) => {
      const instruction = systemInstructionByName(kind, name);
      if (instruction === undefined) throw new TypeError(`The catalogue has no ${kind} ${name}`);
      return [instruction.encoding, instruction] as const;
    }),
  ),
);
