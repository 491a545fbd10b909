/** Registers by name, with their fields: the general ones from here, system registers from the catalogue. */
import { byName } from '../emulator/sysregs/catalogue.ts';
import { extractField, fieldMeaning, insertField } from '../emulator/sysregs/sysreg.ts';
import type { Field, SysReg } from '../emulator/sysregs/sysreg.ts';
import { DWARF_PC, DWARF_SP, DWARF_V0 } from './symbols/cfi.ts';
import type { DebuggedMachine } from './machine.ts';

export interface RegisterInfo {
  readonly name: string;
  /** The Arm ARM's title, or an empty string. */
  readonly title: string;
  /** Bits. */
  readonly width: 32 | 64 | 128;
  readonly writable: boolean;
  readonly sysreg: SysReg | undefined;
}

/** Arm ARM, SPSR_EL1 for AArch64: how PSTATE is laid out where it is saved. */
const PSTATE_FIELDS: readonly Field[] = [
  field('N', 31, 31, 'Negative'),
  field('Z', 30, 30, 'Zero'),
  field('C', 29, 29, 'Carry'),
  field('V', 28, 28, 'Overflow'),
  field('SS', 21, 21, 'Software step'),
  field('IL', 20, 20, 'Illegal execution state'),
  field('D', 9, 9, 'Debug exceptions masked'),
  field('A', 8, 8, 'SError masked'),
  field('I', 7, 7, 'IRQ masked'),
  field('F', 6, 6, 'FIQ masked'),
  {
    ...field('M', 3, 0, 'Exception level and stack pointer'),
    values: [
      { value: 0b0000, meaning: 'EL0', name: 'EL0t' },
      { value: 0b0100, meaning: 'EL1 with SP_EL0', name: 'EL1t' },
      { value: 0b0101, meaning: 'EL1 with SP_EL1', name: 'EL1h' },
      { value: 0b1000, meaning: 'EL2 with SP_EL0', name: 'EL2t' },
      { value: 0b1001, meaning: 'EL2 with SP_EL2', name: 'EL2h' },
    ],
  },
];

const NZCV_FIELDS = PSTATE_FIELDS.slice(0, 4);

function field(name: string, msb: number, lsb: number, text: string): Field {
  return { name, msb, lsb, text };
}

/** The name as the machine knows it: `x0`, `w0`, `fp`, `lr`, `sctlr_el1` in any case. @returns undefined for none */
export function canonicalRegisterName(name: string): string | undefined {
  const upper = name.toUpperCase();
  if (upper === 'SP' || upper === 'PC' || upper === 'PSTATE' || upper === 'CPSR') {
    return upper === 'CPSR' ? 'PSTATE' : upper;
  }
  if (upper === 'FP') return 'X29';
  if (upper === 'LR') return 'X30';
  if (/^X([12]?\d|30)$/.test(upper) || /^V([12]?\d|3[01])$/.test(upper)) {
    return upper.replace(/(?<=[XV])0(?=\d)/, '');
  }
  return byName(upper)?.name;
}

export function describeRegister(name: string): RegisterInfo {
  const sysreg = byName(name);
  if (sysreg !== undefined) {
    return {
      name,
      title: sysreg.summary,
      width: 64,
      writable: sysreg.access !== 'RO',
      sysreg,
    };
  }
  return {
    name,
    title: '',
    width: /^V\d+$/.test(name) ? 128 : 64,
    writable: true,
    sysreg: undefined,
  };
}

/** The fields that hold for this value: a layout that depends on another field is chosen by it. */
export function fieldsOf(
  info: RegisterInfo,
  value: bigint,
  read: (name: string) => bigint | undefined,
): readonly Field[] {
  if (info.name === 'PSTATE' || /^SPSR_EL[12]$/.test(info.name)) return PSTATE_FIELDS;
  if (info.name === 'NZCV') return NZCV_FIELDS;
  const { sysreg } = info;
  if (sysreg === undefined) return [];
  const inViews = (sysreg.views ?? []).filter(({ when }) => {
    const decider = when.register === undefined ? sysreg : byName(when.register);
    const deciding = decider?.fields.find(({ name }) => name === when.field);
    const from = when.register === undefined ? value : read(when.register);
    if (deciding === undefined || from === undefined) return false;
    return when.values.includes(Number(extractField(from, deciding)));
  });
  return [...sysreg.fields, ...inViews.flatMap((view) => view.fields)].filter(
    ({ name }) => !/^RES[01]$/i.test(name),
  );
}

export function findField(fields: readonly Field[], name: string): Field | undefined {
  return (
    fields.find((it) => it.name === name) ??
    fields.find((it) => it.name.toUpperCase() === name.toUpperCase())
  );
}

/** `1`, `0x1f`, with the meaning behind it where the architecture names one. */
export function formatFieldValue(of: Field, value: bigint): string {
  const width = of.msb - of.lsb + 1;
  const number = width <= 3 ? value.toString() : hex(value);
  const meaning = fieldMeaning(of, value);
  if (meaning === undefined) return number;
  return `${number} (${meaning.name ?? firstClause(meaning.meaning)})`;
}

/** A register's value with its telling fields: `0x0000000000008000 MDE=1`. */
export function formatRegisterValue(
  info: RegisterInfo,
  value: bigint,
  fields: readonly Field[],
): string {
  const digits = info.width / 4;
  const number = `0x${value.toString(16).padStart(digits, '0')}`;
  if (info.width !== 64 || fields.length === 0) return number;
  const set = fields
    .filter((it) => extractField(value, it) !== 0n && it.msb - it.lsb < 32)
    .slice(0, 6)
    .map((it) => {
      const content = extractField(value, it);
      return it.msb === it.lsb ? it.name : `${it.name}=${content < 10n ? content : hex(content)}`;
    });
  return set.length === 0 ? number : `${number} ${set.join(' ')}`;
}

export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** An address as every memoryReference is written: the same text for the same place. */
export function reference(address: bigint): string {
  return `0x${address.toString(16).padStart(16, '0')}`;
}

/** What a user may type for a field or register: decimal, hexadecimal, binary, negative, or the name of a meaning. */
export function parseRegisterValue(text: string, width: number, of?: Field): bigint | undefined {
  const trimmed = text.trim();
  const named = of?.values?.find(({ name }) => name?.toUpperCase() === trimmed.toUpperCase());
  if (named !== undefined) return BigInt(named.value);
  const match = /^(-?)(0x[0-9a-f_]+|0b[01_]+|\d[\d_]*)$/i.exec(trimmed);
  if (match?.[2] === undefined) return undefined;
  const digits = match[2].replaceAll('_', '');
  if (/^0[xb]$/i.test(digits)) return undefined;
  const magnitude = BigInt(digits);
  if (match[1] === '-') {
    return magnitude <= 1n << BigInt(width - 1) ? BigInt.asUintN(width, -magnitude) : undefined;
  }
  return magnitude < 1n << BigInt(width) ? magnitude : undefined;
}

/** @returns the whole register's new value */
export function withField(value: bigint, of: Field, fieldValue: bigint): bigint {
  return insertField(value, of, fieldValue);
}

export { extractField };

/** The machine's name for a DWARF register number of AADWARF64; undefined for one that the machine does not have. */
export function dwarfRegisterName(number: number): string | undefined {
  if (number >= 0 && number <= 30) return `X${number}`;
  if (number === DWARF_SP) return 'SP';
  if (number === DWARF_PC) return 'PC';
  if (number >= DWARF_V0 && number < DWARF_V0 + 32) return `V${number - DWARF_V0}`;
  return undefined;
}

/** The current EL, from PSTATE.M. */
export function currentEL(machine: DebuggedMachine): 0 | 1 | 2 {
  const pstate = machine.readRegister(machine.currentVcpu, 'PSTATE') ?? 0n;
  return exceptionLevelOf(pstate);
}

/** The EL that a PSTATE or SPSR value holds. */
export function exceptionLevelOf(spsr: bigint): 0 | 1 | 2 {
  const el = Number((spsr >> 2n) & 3n);
  return el === 0 ? 0 : el === 1 ? 1 : 2;
}

function firstClause(text: string): string {
  const clause = /^[^.;:]*/.exec(text)?.[0].trim() ?? text;
  return clause.length > 60 ? `${clause.slice(0, 57)}...` : clause;
}
