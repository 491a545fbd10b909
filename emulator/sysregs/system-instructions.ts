/** The aliases of SYS that a processor with EL2 has. Every other SYS and SYSL is UNDEFINED. */
import { systemInstructionByName } from './catalogue.ts';
import type { SystemInstruction } from './catalogue.ts';
import type { CpuFeature } from './cpu-model.ts';

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

function named(kind: string, names: readonly string[]): SystemInstruction[] {
  return names.map((name) => {
    const instruction = systemInstructionByName(kind, name);
    if (instruction === undefined) throw new TypeError(`The catalogue has no ${kind} ${name}`);
    return instruction;
  });
}

const byEncoding = (
  instructions: readonly SystemInstruction[],
): ReadonlyMap<number, SystemInstruction> =>
  new Map(instructions.map((instruction) => [instruction.encoding, instruction]));

/** Of every processor, by packed encoding (op0 = 1). */
export const implementedInstructions: ReadonlyMap<number, SystemInstruction> = byEncoding(
  Object.entries(v8_0Names).flatMap(([kind, names]) => named(kind, names)),
);

const RANGES = 'RVAE1 RVAAE1 RVALE1 RVAALE1 RIPAS2E1 RIPAS2LE1 RVAE2 RVALE2'.split(' ');

/** By the feature that brings them. */
const laterInstructions: readonly (readonly [CpuFeature, readonly SystemInstruction[]])[] = [
  ['FEAT_PAN2', named('at', ['S1E1RP', 'S1E1WP'])],
  [
    'FEAT_TLBIOS',
    named(
      'tlbi',
      v8_0Names.tlbi.filter((name) => !name.endsWith('IS')).map((name) => `${name}OS`),
    ),
  ],
  [
    'FEAT_TLBIRANGE',
    named(
      'tlbi',
      RANGES.flatMap((name) => [name, `${name}IS`, `${name}OS`]),
    ),
  ],
];

const known = new WeakMap<ReadonlySet<CpuFeature>, ReadonlyMap<number, SystemInstruction>>();

/** What a processor with these features has, by packed encoding (op0 = 1). */
export function instructionsOf(
  features: ReadonlySet<CpuFeature>,
): ReadonlyMap<number, SystemInstruction> {
  let instructions = known.get(features);
  if (instructions === undefined) {
    const later = laterInstructions.flatMap(([feature, list]) =>
      features.has(feature) ? list : [],
    );
    instructions = byEncoding([...implementedInstructions.values(), ...later]);
    known.set(features, instructions);
  }
  return instructions;
}
