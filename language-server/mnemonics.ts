/** All A64 mnemonics: shapes of their operands, features, and a line about the common ones. */
import { conditionNames } from './conditions.ts';
import { mnemonicsJson } from './mnemonics.generated.ts';
import { formsOf, specText } from './forms.ts';
import { summaries } from './summaries.ts';

export interface Mnemonic {
  readonly name: string;
  readonly group: string;
  /** All must be implemented; empty for Armv8.0. */
  readonly features: readonly string[];
  /** Operands as documentation writes them, one text per form. */
  readonly forms: readonly string[];
  readonly summary: string;
}

const rows = JSON.parse(mnemonicsJson) as readonly (readonly string[])[];

const vectorFeatures: ReadonlySet<string> = new Set(['FEAT_AdvSIMD', 'FEAT_SVE', 'FEAT_SME2']);

const mnemonics = new Map<string, Mnemonic>();

function put(
  name: string,
  group: string,
  features: readonly string[],
  forms: readonly string[],
): void {
  const checked = formsOf(name)?.map((form) => form.map(specText).join(', '));
  const isVector = (form: string): boolean => /\b[VZP]\w*\.|\b[ZP][a-z]|\{|ZA|V[a-z]/.test(form);
  // The features are those of the forms that the table of encodings names; a form on general-purpose registers
  // that is an alias, such as `mov`, needs none of theirs.
  const isBase =
    vectorFeatures.has(features[0] ?? '') &&
    formsOf(name)?.some((form) => form.every(({ kind }) => kind !== 'vector' && kind !== 'scalar'));
  mnemonics.set(name, {
    name,
    group,
    features: isBase === true ? [] : features,
    forms: [...new Set(checked ? [...checked, ...forms.filter(isVector)] : forms)],
    summary: summaries[name] ?? '',
  });
}

for (const [name = '', group = '', features = '', ...forms] of rows) {
  if (/^[a-z][a-z0-9]*$/.test(name)) {
    put(name, group, features === '' ? [] : features.split(' '), forms);
  }
}
// Aliases that the tables of encodings do not name, since they depend on the values of operands.
for (const [name, operands] of Object.entries({
  ubfx: 'Xd, Xn, #lsb, #width',
  sbfx: 'Xd, Xn, #lsb, #width',
  ubfiz: 'Xd, Xn, #lsb, #width',
  sbfiz: 'Xd, Xn, #lsb, #width',
  bfi: 'Xd, Xn, #lsb, #width',
  bfxil: 'Xd, Xn, #lsb, #width',
  bfc: 'Xd, #lsb, #width',
})) {
  put(name, 'Data processing (immediate)', [], [operands]);
}
for (const [name, operands] of Object.entries({
  at: 'operation, Xt',
  dc: 'operation, Xt',
  ic: 'operation{, Xt}',
  tlbi: 'operation{, Xt}',
  cfp: 'rctx, Xt',
  dvp: 'rctx, Xt',
  cpp: 'rctx, Xt',
  cosp: 'rctx, Xt',
  tlbip: 'operation, Xt, Xt2',
  mrrs: 'Xt, Xt2, register',
  msrr: 'register, Xt, Xt2',
  plbi: 'operation{, Xt}',
  gic: 'operation, Xt',
  gicr: 'Xt, operation',
  gsb: 'operation',
  brb: 'operation',
  trcit: 'Xt',
  mlbi: 'operation{, Xt}',
})) {
  if (!mnemonics.has(name) || summaries[name] !== undefined) {
    put(name, 'Branches, exceptions and system', [], [operands]);
  }
}
put('mrs', 'Branches, exceptions and system', [], ['Xt, system register']);
put('msr', 'Branches, exceptions and system', [], ['system register, Xt', 'PSTATE field, #imm']);
put('dsb', 'Branches, exceptions and system', [], ['option', '#imm']);
put('dmb', 'Branches, exceptions and system', [], ['option', '#imm']);
put('isb', 'Branches, exceptions and system', [], ['', 'sy', '#imm']);
for (const condition of conditionNames) {
  put(`b.${condition}`, 'Branches, exceptions and system', [], ['label']);
  put(`bc.${condition}`, 'Branches, exceptions and system', ['FEAT_HBC'], ['label']);
  // GNU as and LLVM also take the A32 spelling.
  put(`b${condition}`, 'Branches, exceptions and system', [], ['label']);
}

/** `b.eq`, `beq` and `bc.eq`: the condition's name; undefined for another mnemonic. */
export function branchCondition(mnemonic: string): string | undefined {
  const match = /^bc?\.?([a-z]{2,5})$/.exec(mnemonic.toLowerCase());
  const name = match?.[1];
  if (name === undefined || !conditionNames.includes(name)) return undefined;
  return mnemonic.toLowerCase().startsWith('bc') && !mnemonic.includes('.') ? undefined : name;
}

/** In any case; `ld1.16b` and relatives of Apple's syntax count as `ld1`. */
export function mnemonic(name: string): Mnemonic | undefined {
  const lower = name.toLowerCase();
  return (
    mnemonics.get(lower) ??
    (/^[a-z][a-z0-9]+\.(?:16b|8b|8h|4h|4s|2s|2d|1d|[bhsd])$/.test(lower)
      ? mnemonics.get(lower.slice(0, lower.indexOf('.')))
      : undefined)
  );
}

export const allMnemonics: readonly Mnemonic[] = [...mnemonics.values()];
