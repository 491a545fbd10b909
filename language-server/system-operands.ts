/** Names that stand for system registers and operations, and texts about them. */
import {
  all,
  barrierOptions,
  barrierOptionsNXS,
  byEncoding,
  byName,
  isbOptions,
  pstateFields,
  systemInstructions,
} from '../emulator/sysregs/catalogue.ts';
import type { PstateField, SystemInstruction } from '../emulator/sysregs/catalogue.ts';
import {
  extractField,
  fieldMeaning,
  genericName,
  mrsOpcode,
  msrOpcode,
  parseGenericName,
} from '../emulator/sysregs/sysreg.ts';
import type { Direction, Field, SysReg } from '../emulator/sysregs/sysreg.ts';

/** What a word names in MRS or MSR. */
export interface NamedRegister {
  readonly register: SysReg;
  /** Written as S3_0_C9_C9_7. */
  readonly generic: boolean;
}

export function systemRegister(
  name: string,
  direction: Direction = 'read',
): NamedRegister | undefined {
  const register = byName(name);
  if (register) return { register, generic: false };
  const encoding = parseGenericName(name);
  const found = encoding === undefined ? undefined : byEncoding(encoding, direction);
  return found && { register: found, generic: true };
}

export const isGenericName = (name: string): boolean => parseGenericName(name) !== undefined;

export function pstateFieldByName(name: string): PstateField | undefined {
  const lower = name.toLowerCase();
  return pstateFields.find((field) => field.name.toLowerCase() === lower);
}

/** The largest immediate of `msr <field>, #imm` that means something. */
export function pstateLimit(field: PstateField): number {
  return field.CRmHigh === undefined && /^daif/i.test(field.name) ? 15 : 1;
}

export const readable = (register: SysReg): boolean => register.access !== 'WO';
export const writable = (register: SysReg): boolean => register.access !== 'RO';

export const allRegisters: readonly SysReg[] = all;

/** Kinds whose operand is an operation of SYS. */
export const operationKinds: ReadonlySet<string> = new Set(
  systemInstructions.map(({ kind }) => kind),
);

export function operations(kind: string): readonly SystemInstruction[] {
  const lower = kind.toLowerCase();
  return systemInstructions.filter((it) => it.kind === lower);
}

/** The feature that an operation needs beyond Armv8.0, by the parts of its name; a hint, as for registers. */
export function operationFeature({ kind, name }: SystemInstruction): string | undefined {
  const upper = name.toUpperCase();
  switch (kind) {
    case 'tlbi':
      if (/^(?:PAALL|RPAL?OS)/.test(upper)) return 'FEAT_RME';
      if (/NXS$/.test(upper)) return 'FEAT_XS';
      if (upper.includes('WS2')) return 'FEAT_TLBIW';
      if (/^R(?:VA|IPAS2)/.test(upper)) return 'FEAT_TLBIRANGE';
      return upper.endsWith('OS') ? 'FEAT_TLBIOS' : undefined;
    case 'tlbip':
      return 'FEAT_D128';
    case 'dc':
      if (upper === 'CVAP') return 'FEAT_DPB';
      if (upper === 'CVADP') return 'FEAT_DPB2';
      if (/^CIPA|^CIGDPA|^CIPAPA|^CIGDPAPA/.test(upper)) return 'FEAT_RME';
      return /^(?:GVA|GZVA)$|^(?:C|CI|I)G/.test(upper) ? 'FEAT_MTE' : undefined;
    case 'at':
      if (/^S1E1[RW]P$/.test(upper)) return 'FEAT_PAN2';
      return /A$/.test(upper) ? 'FEAT_ATS1A' : undefined;
    case 'gic':
    case 'gicr':
    case 'gsb':
      return 'FEAT_GCIE';
    case 'plbi':
      return 'FEAT_S1POE2';
    case 'ic':
      return undefined;
  }
}

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

function bitsOf({ msb, lsb }: Field): string {
  return msb === lsb ? `[${msb}]` : `[${msb}:${lsb}]`;
}

const lowest: readonly string[] = ['EL0', 'EL1', 'EL2', 'EL3'];

/** `DBGBCR3_EL1 (S2_0_C0_C3_5) · RW · EL1 · debug` */
export function registerTitle({ register, generic }: NamedRegister): string {
  return `**${register.name}**${generic ? ' (generic name)' : ''} — ${register.summary === '' ? register.group : register.summary}`;
}

/** Markdown: encoding, access, fields. With a value, fields are decoded beside their meaning. */
export function describeRegister(named: NamedRegister, value?: bigint): string {
  const { register } = named;
  const { op0, op1, CRn, CRm, op2 } = register;
  const lines = [registerTitle(named), ''];
  const feature = register.feature === 'base' ? 'Armv8.0' : register.feature;
  lines.push(
    `${register.access} · from ${lowest[register.minEL] ?? ''} · ${feature} · group ${register.group}`,
    '',
    `op0=${op0} op1=${op1} CRn=${CRn} CRm=${CRm} op2=${op2} · \`${genericName(register.encoding)}\``,
    '',
    opcodeText(register),
  );
  if (register.aliasOf !== undefined) lines.push('', `Another view of ${register.aliasOf}.`);
  if (register.isbAfterWrite === true) {
    lines.push('', 'A write needs an ISB before its effect is relied upon.');
  }
  if (value !== undefined) lines.push('', `**${hex(value)}** = ${decodeValue(register, value)}`);
  if (register.fields.length > 0) {
    lines.push('', '| bits | field | meaning |', '|---|---|---|');
    for (const field of register.fields) lines.push(fieldRow(field));
  }
  for (const view of register.views ?? []) {
    lines.push(
      '',
      `While ${view.when.register ?? register.name}.${view.when.field} is ${view.when.values.map(hex).join(', ')}: ${view.name}`,
    );
  }
  return lines.join('\n');
}

function opcodeText(register: SysReg): string {
  const parts: string[] = [];
  if (readable(register)) parts.push(`mrs x0: ${hex(mrsOpcode(register, 0))}`);
  if (writable(register)) parts.push(`msr x0: ${hex(msrOpcode(register, 0))}`);
  return parts.join(' · ');
}

/** Markdown: one field of a register, with the meaning of its values. */
export function describeField(register: SysReg, field: Field): string {
  const lines = [`**${register.name}.${field.name}** ${bitsOf(field)}`];
  if (field.text !== undefined && field.text !== '') lines.push('', field.text);
  const values = (field.values ?? []).map(
    ({ value, meaning, match }) =>
      `- ${value}${match === 'at least' ? ' and more' : ''}: ${meaning}`,
  );
  if (values.length > 0) lines.push('', ...values);
  lines.push('', registerTitle({ register, generic: false }));
  return lines.join('\n');
}

function fieldRow(field: Field): string {
  const values = (field.values ?? [])
    .map(({ value, meaning, match }) => `${value}${match === 'at least' ? '+' : ''} ${meaning}`)
    .join('; ');
  const text = [field.text, values].filter((it) => it !== undefined && it !== '').join(': ');
  return `| ${bitsOf(field)} | ${field.name} | ${text.replaceAll('|', '\\|')} |`;
}

/** `SS=1, KDE=1, MDE=1`: the fields that are not zero, with the meaning of their values. */
export function decodeValue(register: SysReg, value: bigint): string {
  if (register.fields.length === 0) return hex(value);
  const parts: string[] = [];
  let known = 0n;
  for (const field of register.fields) {
    const bits = extractField(value, field);
    known |= bits << BigInt(field.lsb);
    if (bits === 0n) continue;
    const meaning = field.msb === field.lsb ? undefined : fieldMeaning(field, bits);
    parts.unshift(
      `${field.name}=${bits > 9n ? hex(bits) : bits}${meaning ? ` (${meaning.meaning})` : ''}`,
    );
  }
  const rest = value & ~known & ((1n << 64n) - 1n);
  if (rest !== 0n) parts.push(`reserved ${hex(rest)}`);
  return parts.length === 0 ? 'all fields 0' : parts.join(', ');
}

/** Meanings in the few letters that fit behind a line. */
function shortMeaning(meaning: string): string | undefined {
  if (/^write-back/i.test(meaning)) return 'WB';
  if (/^write-through/i.test(meaning)) return 'WT';
  return meaning.length <= 16 ? meaning : undefined;
}

/**
 * `SH0=inner, ORGN0/IRGN0=WB, T0SZ=32`: the fields that are not zero, from the highest down, as short as they can
 * be told; neighbours of the same meaning share it.
 */
export function decodeShort(register: SysReg, value: bigint): string {
  if (register.fields.length === 0) return hex(value);
  const parts: { names: string[]; text: string; named: boolean }[] = [];
  let known = 0n;
  for (const field of [...register.fields].sort((a, b) => b.msb - a.msb)) {
    const bits = extractField(value, field);
    known |= bits << BigInt(field.lsb);
    if (bits === 0n) continue;
    const width = field.msb - field.lsb + 1;
    const meaning = width === 1 ? undefined : fieldMeaning(field, bits)?.meaning;
    const short = meaning === undefined ? undefined : shortMeaning(meaning);
    const text = short ?? (width > 16 ? hex(bits) : bits.toString());
    const last = parts.at(-1);
    if (last?.named === true && short !== undefined && last.text === text)
      last.names.push(field.name);
    else parts.push({ names: [field.name], text, named: short !== undefined });
  }
  const rest = value & ~known & ((1n << 64n) - 1n);
  return (
    [
      ...parts.map(({ names, text }) => `${names.join('/')}=${text}`),
      ...(rest === 0n ? [] : [`reserved ${hex(rest)}`]),
    ].join(', ') || 'all fields 0'
  );
}

/** Bits set in `value` that belong to no field; 0 where the layout is not known. */
export function reservedBits(register: SysReg, value: bigint): bigint {
  if (register.fields.length === 0) return 0n;
  let known = 0n;
  for (const field of register.fields) {
    known |= extractField((1n << 64n) - 1n, field) << BigInt(field.lsb);
  }
  return value & ~known & ((1n << 64n) - 1n);
}

export function describeOperation(operation: SystemInstruction): string {
  const { kind, name, op1, CRn, CRm, op2 } = operation;
  const expansion = expandOperation(kind, name);
  return [
    `**${kind.toUpperCase()} ${name}**${expansion === '' ? '' : ` — ${expansion}`}`,
    '',
    `op1=${op1} CRn=${CRn} CRm=${CRm} op2=${op2} · ${operation.register ? 'needs Xt' : 'no register needed'}`,
  ].join('\n');
}

/** The parts of an operation's name in words. */
function expandOperation(kind: string, name: string): string {
  const upper = name.toUpperCase();
  const words: string[] = [];
  if (kind === 'tlbi' || kind === 'tlbip') {
    const match =
      /^(R?)(VMALLS12|VMALL|ALL|IPAS2L|IPAS2|ASID|VAAL|VALE?|VAA|VAL|VA|PAALL|RPALOS|RPAOS)(WS2)?(L?E[123])?(IS|OS)?(NXS)?$/.exec(
        upper,
      );
    if (!match) return 'invalidates TLB entries';
    const [, rangeForm, what = '', , level, domain] = match;
    const subjects: Readonly<Record<string, string>> = {
      VMALL: 'all stage 1 entries of the current VMID',
      VMALLS12: 'all stage 1 and 2 entries of the current VMID',
      ALL: 'all entries',
      IPAS2: 'stage 2 entries of an IPA',
      IPAS2L: 'last-level stage 2 entries of an IPA',
      ASID: 'entries of an ASID',
      VA: 'entries of a VA and ASID',
      VAA: 'entries of a VA, any ASID',
      VAL: 'last-level entries of a VA and ASID',
      VALE: 'last-level entries of a VA and ASID',
      VAAL: 'last-level entries of a VA, any ASID',
    };
    words.push(`invalidates ${subjects[what] ?? 'entries'}`);
    if (rangeForm === 'R') words.push('in a range');
    const el = /[123]/.exec(level ?? '')?.[0];
    if (el !== undefined) words.push(`of EL${el}`);
    if (domain === 'IS') words.push('in the inner shareable domain');
    if (domain === 'OS') words.push('in the outer shareable domain');
    return words.join(' ');
  }
  const cache: Readonly<Record<string, string>> = {
    IVAC: 'invalidates a line by VA to the point of coherency',
    ISW: 'invalidates a line by set and way',
    CVAC: 'cleans a line by VA to the point of coherency',
    CSW: 'cleans a line by set and way',
    CVAU: 'cleans a line by VA to the point of unification',
    CIVAC: 'cleans and invalidates a line by VA to the point of coherency',
    CISW: 'cleans and invalidates a line by set and way',
    CVAP: 'cleans a line by VA to the point of persistence',
    ZVA: 'zeroes a block of DCZID_EL0 size',
    IALLUIS: 'invalidates all instruction caches of the inner shareable domain',
    IALLU: 'invalidates all instruction caches of this processor',
    IVAU: 'invalidates instruction lines by VA to the point of unification',
  };
  const translation = /^S(1|12)E([0123])([RW])(P|A)?$/.exec(upper);
  if (kind === 'at' && translation) {
    const [, stages, el, access] = translation;
    return `translates through stage ${stages === '12' ? '1 and 2' : '1'} as EL${el ?? ''} ${access === 'R' ? 'read' : 'write'}`;
  }
  return cache[upper] ?? '';
}

export interface BarrierOption {
  readonly name: string;
  readonly encoding: number;
  readonly text: string;
  readonly nXS: boolean;
}

/** Options of DSB and DMB, in order of CRm. */
export const barriers: readonly BarrierOption[] = [
  ...barrierOptions.map(({ name, encoding }) => ({
    name,
    encoding,
    nXS: false,
    text: barrierText(name),
  })),
  ...barrierOptionsNXS.map(({ name, encoding }) => ({
    name,
    encoding,
    nXS: true,
    text: `${barrierText(name.replace(/nxs$/i, ''))}, not waiting for accesses with the XS attribute`,
  })),
];

function barrierText(option: string): string {
  const name = option.toLowerCase();
  const domain = name.startsWith('osh')
    ? 'outer shareable'
    : name.startsWith('nsh')
      ? 'non-shareable'
      : name.startsWith('ish')
        ? 'inner shareable'
        : 'full system';
  const accesses = name.endsWith('ld')
    ? 'loads before it, all accesses after it'
    : name.endsWith('st')
      ? 'stores only'
      : 'all accesses';
  return `domain ${domain}, ${accesses}`;
}

export const isbNames: readonly string[] = isbOptions.map(({ name }) => name);

/** The name that C gives an encoding: `SYS_PMSIDR_EL1` → PMSIDR_EL1. */
export function registerFromC(name: string): NamedRegister | undefined {
  return systemRegister(name.replace(/^SYS_/, ''));
}
