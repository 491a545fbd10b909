/**
 * The catalogue of AArch64 system registers, system instructions and named operands: every name the
 * architecture has, whether or not the processor of the machine implements it.
 */
import { catalogueJson } from './catalogue.generated.ts';
import type { CatalogueData, FieldRow } from './catalogue-data.ts';
import { packEncoding, unpackEncoding } from './sysreg.ts';
import type {
  Access,
  Direction,
  ExceptionLevel,
  Field,
  FieldValue,
  SysReg,
  View,
} from './sysreg.ts';

export type SystemInstructionKind =
  'at' | 'dc' | 'ic' | 'tlbi' | 'tlbip' | 'plbi' | 'gic' | 'gicr' | 'gsb';

/** Arm ARM, SYS and SYSL: an instruction that is an alias of SYS, such as `dc civac, x0`. */
export interface SystemInstruction {
  readonly kind: SystemInstructionKind;
  /** The operand, in the architecture's capitals: `CIVAC`, `VAE1IS`. */
  readonly name: string;
  readonly op1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly op2: number;
  /** Packed as for registers, with op0 = 1. */
  readonly encoding: number;
  /** Whether it takes Xt. */
  readonly register: boolean;
}

/** A named immediate, such as the barrier option `ishst`. */
export interface NamedOperand {
  readonly name: string;
  readonly encoding: number;
}

/** Arm ARM, MSR (immediate): a field of PSTATE the instruction can set. */
export interface PstateField {
  readonly name: string;
  readonly op1: number;
  readonly op2: number;
  /** CRm[3:1], for the fields whose immediate is CRm[0] alone; undefined when the immediate is CRm. */
  readonly CRmHigh?: number;
}

const data = JSON.parse(catalogueJson) as CatalogueData;

/** An entry the generator wrote; its absence means a damaged catalogue. */
function entry<Item>(items: readonly Item[], position: number): Item {
  const item = items[position];
  if (item === undefined) throw new TypeError(`The catalogue has no entry ${position}`);
  return item;
}

const accesses: readonly Access[] = ['RW', 'RO', 'WO'];

const valueLists = data.valueLists.map((rows) =>
  rows.map(([value, meaning, atLeast, name]): FieldValue => ({
    value,
    meaning: entry(data.strings, meaning),
    ...(name !== undefined && { name: entry(data.strings, name) }),
    ...(atLeast === 1 && { match: 'at least' as const }),
  })),
);

const layouts = data.layouts.map((rows) =>
  rows.map(([name, bits, text = -1, values = -1]: FieldRow): Field => {
    return {
      name: entry(data.strings, name),
      msb: bits >> 6,
      lsb: bits & 63,
      ...(text >= 0 && { text: entry(data.strings, text) }),
      ...(values >= 0 && { values: entry(valueLists, values) }),
    };
  }),
);

const viewLists = data.viewLists.map((rows) =>
  rows.map(([name, [register, field, values], layout]): View => ({
    name,
    when: { ...(register !== '' && { register }), field, values },
    fields: entry(layouts, layout),
  })),
);

/** Every register, in the order of the packed encoding within a source; aliases included. */
export const all: readonly SysReg[] = data.registers.map(
  ([
    name,
    encoding,
    flags,
    group,
    feature,
    summary,
    layout = -1,
    template = -1,
    index = -1,
    aliasOf = -1,
    views = -1,
  ]) => ({
    name,
    ...unpackEncoding(encoding),
    encoding,
    access: entry(accesses, flags & 3),
    minEL: ((flags >> 2) & 3) as ExceptionLevel,
    group: entry(data.strings, group),
    feature: entry(data.strings, feature),
    summary: entry(data.strings, summary),
    fields: layout >= 0 ? entry(layouts, layout) : [],
    ...(views >= 0 && { views: entry(viewLists, views) }),
    ...(aliasOf >= 0 && { aliasOf: entry(data.strings, aliasOf) }),
    ...(template >= 0 && { array: { template: entry(data.strings, template), index } }),
    ...((flags & 16) !== 0 && { isbAfterWrite: true }),
  }),
);

const registersByName = new Map(all.map((register) => [register.name.toUpperCase(), register]));
const readable = new Map<number, SysReg>();
const writeable = new Map<number, SysReg>();
// Where two names share an encoding and a direction (SPSR_SVC and SPSR_EL1) the first one is the
// register and the other its alias.
for (const register of all) {
  const { encoding, access } = register;
  if (access !== 'WO' && !readable.has(encoding)) readable.set(encoding, register);
  if (access !== 'RO' && !writeable.has(encoding)) writeable.set(encoding, register);
}

/** The register of that name, in any case. */
export function byName(name: string): SysReg | undefined {
  return registersByName.get(name.toUpperCase());
}

/**
 * The register that an access in this direction reaches. One encoding may be two registers, such as
 * DBGDTRRX_EL0 for MRS and DBGDTRTX_EL0 for MSR. When the encoding has a register but no accessor in
 * this direction, that register is returned all the same: its `access` says that it is UNDEFINED.
 */
export function byEncoding(encoding: number, direction: Direction): SysReg | undefined {
  return direction === 'read'
    ? (readable.get(encoding) ?? writeable.get(encoding))
    : (writeable.get(encoding) ?? readable.get(encoding));
}

/** Numbered families by template, such as `DBGBVR<n>_EL1`; members by index. */
export const arrays: ReadonlyMap<string, readonly SysReg[]> = (() => {
  const families = new Map<string, SysReg[]>();
  for (const register of all) {
    if (register.array === undefined) continue;
    const family = families.get(register.array.template) ?? [];
    family[register.array.index] = register;
    families.set(register.array.template, family);
  }
  return families;
})();

/** AT, DC, IC, TLBI and the other aliases of SYS. */
export const systemInstructions: readonly SystemInstruction[] = Object.entries(
  data.systemInstructions,
).flatMap(([kind, rows]) =>
  rows.map(([name, encoding, register]) => {
    const { op1, CRn, CRm, op2 } = unpackEncoding(encoding);
    return {
      kind: kind as SystemInstructionKind,
      name,
      op1,
      CRn,
      CRm,
      op2,
      encoding,
      register: register === 1,
    };
  }),
);

const instructionsByEncoding = new Map<number, SystemInstruction>();
const instructionsByName = new Map<string, SystemInstruction>();
for (const instruction of systemInstructions) {
  // TLBI and TLBIP (SYSP) share encodings; SYS is the single-register form.
  if (!instructionsByEncoding.has(instruction.encoding) && instruction.kind !== 'tlbip') {
    instructionsByEncoding.set(instruction.encoding, instruction);
  }
  instructionsByName.set(`${instruction.kind} ${instruction.name.toUpperCase()}`, instruction);
}

/** The alias of `sys #op1, Cn, Cm, #op2`, when there is one. */
export function systemInstruction(
  op1: number,
  CRn: number,
  CRm: number,
  op2: number,
): SystemInstruction | undefined {
  return instructionsByEncoding.get(packEncoding({ op0: 1, op1, CRn, CRm, op2 }));
}

/** The instruction by mnemonic and operand, both in any case: `('dc', 'civac')`. */
export function systemInstructionByName(kind: string, name: string): SystemInstruction | undefined {
  return instructionsByName.get(`${kind.toLowerCase()} ${name.toUpperCase()}`);
}

function namedOperands(operandClass: string): readonly NamedOperand[] {
  const rows = data.namedOperands[operandClass];
  if (rows === undefined) throw new TypeError(`The catalogue has no operands of ${operandClass}`);
  return rows.map(([name, encoding]) => ({ name, encoding }));
}

/** DMB and DSB options; the encoding is CRm. */
export const barrierOptions = namedOperands('DB');
/** DSB options with the nXS qualifier; the encoding is CRm of the XS form's own space. */
export const barrierOptionsNXS = namedOperands('DBnXS');
/** ISB options. */
export const isbOptions = namedOperands('ISB');
/** PRFM operations; the encoding is Rt. */
export const prefetchOperations = namedOperands('PRFM');
/** RPRFM operations. */
export const rangePrefetchOperations = namedOperands('RPRFM');

/** The fields of PSTATE that MSR (immediate) can set. */
export const pstateFields: readonly PstateField[] = [
  ...namedOperands('PStateImm0_15').map(({ name, encoding }) => ({
    name,
    op1: encoding >> 3,
    op2: encoding & 7,
  })),
  ...namedOperands('PStateImm0_1').map(({ name, encoding }) => ({
    name,
    op1: (encoding >> 3) & 7,
    op2: encoding & 7,
    CRmHigh: encoding >> 6,
  })),
  // Arm ARM, MSR (immediate): SVCRSM, SVCRZA and SVCRSMZA are op1 = 3, op2 = 3, told apart by CRm[3:1].
  ...namedOperands('SVCR').map(({ name, encoding }) => ({
    name,
    op1: 3,
    op2: 3,
    CRmHigh: encoding,
  })),
];

/** The PSTATE field of `msr <field>, #imm`; CRm is the instruction's. */
export function pstateField(op1: number, op2: number, CRm: number): PstateField | undefined {
  return pstateFields.find(
    (field) =>
      field.op1 === op1 &&
      field.op2 === op2 &&
      (field.CRmHigh === undefined || field.CRmHigh === CRm >> 1),
  );
}

/** Arm ARM, ESR_ELx.{DFSC, IFSC}: meaning of a fault status code. */
export const faultStatusCodes: ReadonlyMap<number, string> = new Map(data.faultStatusCodes);
