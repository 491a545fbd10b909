/**
 * FEAT_FGT: which bit of HFGRTR_EL2, HFGWTR_EL2, HDFGRTR_EL2, HDFGWTR_EL2 and HFGITR_EL2 traps which
 * register or instruction. The fields are named after what they trap, so the catalogue's layouts are
 * the table.
 */
import { byName } from './catalogue.ts';
import type { SystemInstruction } from './catalogue.ts';
import type { CpuFeature } from './cpu-model.ts';
import { instructionsOf } from './system-instructions.ts';
import type { Direction, SysReg } from './sysreg.ts';

export type FineGrainedTrapRegister =
  'HFGRTR_EL2' | 'HFGWTR_EL2' | 'HFGITR_EL2' | 'HDFGRTR_EL2' | 'HDFGWTR_EL2';

/** The trap control of an access: a bit, 0 to 63, of one of the registers. 1 traps. */
export interface FineGrainedTrap {
  readonly register: FineGrainedTrapRegister;
  readonly bit: number;
}

function fieldsOf(register: FineGrainedTrapRegister): ReadonlyMap<string, number> {
  const found = byName(register);
  if (found === undefined) throw new TypeError(`The catalogue has no register ${register}`);
  return new Map(found.fields.map(({ name, lsb }) => [name, lsb]));
}

const bits: Readonly<Record<FineGrainedTrapRegister, ReadonlyMap<string, number>>> = {
  HFGRTR_EL2: fieldsOf('HFGRTR_EL2'),
  HFGWTR_EL2: fieldsOf('HFGWTR_EL2'),
  HFGITR_EL2: fieldsOf('HFGITR_EL2'),
  HDFGRTR_EL2: fieldsOf('HDFGRTR_EL2'),
  HDFGWTR_EL2: fieldsOf('HDFGWTR_EL2'),
};

/**
 * `DBGBCR<n>_EL1` is trapped by `DBGBCRn_EL1`, both claim registers by `DBGCLAIM`, both interrupt group
 * enables by `ICC_IGRPENn_EL1`, both halves of a key by `APIAKey` or one of its kin.
 */
function fieldName({ name, array }: SysReg): string {
  if (name.startsWith('DBGCLAIM')) return 'DBGCLAIM';
  const monitors = /^(PMCNTEN|PMINTEN|PMOVS)(SET|CLR)_EL[01]$/.exec(name);
  if (monitors?.[1] !== undefined) return monitors[1];
  if (/^PMCEID[01]_EL0$/.test(name)) return 'PMCEIDn_EL0';
  if (name === 'PMXEVTYPER_EL0') return 'PMEVTYPERn_EL0';
  if (name === 'PMXEVCNTR_EL0') return 'PMEVCNTRn_EL0';
  const key = /^(AP[IDG][AB]Key)(Lo|Hi)_EL1$/.exec(name);
  if (key?.[1] !== undefined) return key[1];
  if (name.startsWith('ICC_IGRPEN')) return 'ICC_IGRPENn_EL1';
  return array === undefined ? name : array.template.replace('<n>', 'n');
}

/** The fine-grained trap of a register access, if there is one. */
export function fineGrainedTrap(reg: SysReg, direction: Direction): FineGrainedTrap | undefined {
  const candidates =
    direction === 'read'
      ? (['HFGRTR_EL2', 'HDFGRTR_EL2'] as const)
      : (['HFGWTR_EL2', 'HDFGWTR_EL2'] as const);
  const field = fieldName(reg);
  for (const register of candidates) {
    const bit = bits[register].get(field);
    if (bit !== undefined) return { register, bit };
  }
  return undefined;
}

/** The fine-grained trap of a SYS alias, if there is one: `DCCIVAC`, `TLBIVAE1IS`, `ATS1E1R`. */
export function fineGrainedInstructionTrap(
  instruction: SystemInstruction,
): FineGrainedTrap | undefined {
  const bit = bits.HFGITR_EL2.get(`${instruction.kind.toUpperCase()}${instruction.name}`);
  return bit === undefined ? undefined : { register: 'HFGITR_EL2', bit };
}

/** Instructions that are no SYS: ERET with its relatives, and SVC by Exception level. */
export const fineGrainedExceptionInstructions = ['ERET', 'SVC_EL0', 'SVC_EL1'] as const;
export type FineGrainedExceptionInstruction = (typeof fineGrainedExceptionInstructions)[number];

export function fineGrainedExceptionTrap(name: FineGrainedExceptionInstruction): FineGrainedTrap {
  const bit = bits.HFGITR_EL2.get(name);
  if (bit === undefined) throw new TypeError(`HFGITR_EL2 has no field ${name}`);
  return { register: 'HFGITR_EL2', bit };
}

/** The bits of a trap register that trap something the processor has; the others are RES0. */
export function fineGrainedTrapMask(
  register: FineGrainedTrapRegister,
  implementedNames: ReadonlySet<string>,
  features: ReadonlySet<CpuFeature>,
): bigint {
  let mask = 0n;
  const add = (trap: FineGrainedTrap | undefined): void => {
    if (trap?.register === register) mask |= 1n << BigInt(trap.bit);
  };
  for (const name of implementedNames) {
    const reg = byName(name);
    if (reg === undefined) continue; // a reserved ID register: nothing fine-grained traps it
    if (reg.access !== 'WO') add(fineGrainedTrap(reg, 'read'));
    if (reg.access !== 'RO') add(fineGrainedTrap(reg, 'write'));
  }
  for (const instruction of instructionsOf(features).values()) {
    add(fineGrainedInstructionTrap(instruction));
  }
  for (const name of fineGrainedExceptionInstructions) add(fineGrainedExceptionTrap(name));
  return mask;
}
