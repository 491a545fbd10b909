/**
 * Writes language-server/mnemonics.generated.ts from a table of A64 assembly forms.
 *
 *   node --import tsx tools/generate-a64-mnemonics.ts [a64-mnemonics.jsonl]
 *
 * The table, by default tools/data/a64-mnemonics.jsonl, has one JSON object on each line (`Fact`
 * below). tools/data/README.md and NOTICE name its sources. Operands are templates in which
 * `<class:name>` stands for one operand.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Fact {
  readonly mnemonic: string;
  readonly operands?: string;
  /** Predicates of LLVM, such as `HasLSE`; all of them must hold. */
  readonly needs?: readonly string[];
  /** The top group of the encoding in the Arm ARM's decode tree; absent for an alias. */
  readonly class?: string;
}

const groupNames: Readonly<Record<string, string>> = {
  control: 'Branches, exceptions and system',
  dpimm: 'Data processing (immediate)',
  dpreg: 'Data processing (register)',
  ldst: 'Loads and stores',
  simd_dp: 'SIMD and floating-point',
  sve: 'SVE',
  sme: 'SME',
  reserved: 'Reserved',
};

const featureNames: Readonly<Record<string, string>> = {
  NEON: 'FEAT_AdvSIMD',
  NEONandIsStreamingSafe: 'FEAT_AdvSIMD',
  FPARMv8: 'FEAT_FP',
  FullFP16: 'FEAT_FP16',
  CRC: 'FEAT_CRC32',
  RCPC: 'FEAT_LRCPC',
  RCPC_IMMO: 'FEAT_LRCPC2',
  RCPC3: 'FEAT_LRCPC3',
  SHA2: 'FEAT_SHA256',
  MatMulInt8: 'FEAT_I8MM',
  ComplxNum: 'FEAT_FCMA',
  JS: 'FEAT_JSCVT',
  FRInt3264: 'FEAT_FRINTTS',
  FP16FML: 'FEAT_FHM',
  TRACEV8_4: 'FEAT_TRF',
  AltNZCV: 'FEAT_FlagM2',
  SVEorSME: 'FEAT_SVE',
  SVE2orSME: 'FEAT_SVE2',
  SVE2orSME2: 'FEAT_SVE2',
};

function featureName(predicate: string): string {
  const name = predicate.replace(/^Has/, '');
  return featureNames[name] ?? `FEAT_${name}`;
}

/** The field's letter: `Rd`, `dst`, `src2` become `d`, `d`, `m`. */
function suffix(name: string): string {
  const known: Readonly<Record<string, string>> = { dst: 'd', src: 'n', src1: 'n', src2: 'm' };
  return known[name] ?? name.replace(/^_/, '').replace(/^(?:R|V|Z|P|X|W)(?=[a-z])/, '');
}

function operandText(operandClass: string, name: string): string {
  const letter = suffix(name);
  if (/^GPR64.*sp/.test(operandClass)) return `X${letter}|SP`;
  if (/^GPR32.*sp/.test(operandClass)) return `W${letter}|WSP`;
  if (operandClass.startsWith('GPR64')) return `X${letter}`;
  if (operandClass.startsWith('GPR32')) return `W${letter}`;
  const scalar = /^FPR(8|16|32|64|128)/.exec(operandClass);
  if (scalar) {
    const letters: Readonly<Record<string, string>> = {
      8: 'B',
      16: 'H',
      32: 'S',
      64: 'D',
      128: 'Q',
    };
    return `${letters[scalar[1] ?? ''] ?? 'V'}${letter}`;
  }
  if (/^V(64|128)/.test(operandClass)) return `V${letter}`;
  if (operandClass.startsWith('VecList')) return '{Vt.T, ...}';
  if (operandClass.startsWith('VectorIndex')) return '[index]';
  if (/^(ZPR|Z_|ZZ)/.test(operandClass))
    return operandClass.startsWith('ZZ') ? '{Zt, ...}' : `Z${letter}`;
  if (/^PPR|^PNR/.test(operandClass)) return `P${letter}`;
  if (/^(arith|logical)_shifted_reg/.test(operandClass)) {
    return `${operandClass.endsWith('64') ? 'X' : 'W'}m{, shift #amount}`;
  }
  if (operandClass.startsWith('arith_extended_reg')) return 'Rm{, extend {#amount}}';
  if (/^arith_extend|^ro_/.test(operandClass)) return '{, extend {#amount}}';
  if (/^(arith|logical)_shift|^movimm.*shift$/.test(operandClass)) return '{, shift #amount}';
  if (operandClass.startsWith('addsub_shifted_imm')) return '#imm{, lsl #12}';
  if (/^am_|label/.test(operandClass)) return 'label';
  if (operandClass.includes('ccode')) return 'cond';
  if (/^(barrier|msr_sysreg|mrs_sysreg|prfop|pstatefield|rprfop)/.test(operandClass)) return name;
  if (/imm|shift|uimm|simm/.test(operandClass)) return `#${name}`;
  return name;
}

function operandsText(template: string): string {
  return template
    .replace(/<([^:<>]*):([^<>]*)>/g, (_, operandClass: string, name: string) =>
      operandText(operandClass, name),
    )
    .replace(/\.(?:16b|8b|8h|4h|4s|2s|2d|1d)\b/g, '.T')
    .replace(/\]\[index\]/g, '][index]')
    .replace(/\s+/g, ' ')
    .trim();
}

const input =
  process.argv[2] ?? fileURLToPath(new URL('data/a64-mnemonics.jsonl', import.meta.url));
const facts = readFileSync(input, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Fact);

interface Entry {
  readonly group: string;
  readonly forms: Set<string>;
  features: readonly string[] | undefined;
}

const entries = new Map<string, Entry>();
const order = ['control', 'dpimm', 'dpreg', 'ldst', 'simd_dp', 'sve', 'sme', 'reserved', undefined];
const sorted = [...facts].sort((a, b) => order.indexOf(a.class) - order.indexOf(b.class));
for (const fact of sorted) {
  const entry = entries.get(fact.mnemonic) ?? {
    group: groupNames[fact.class ?? ''] ?? 'Alias',
    forms: new Set<string>(),
    features: undefined,
  };
  if (fact.operands !== undefined) entry.forms.add(operandsText(fact.operands));
  // A form without class is an alias whose predicates are not always known; it counts where it is alone.
  if (fact.class !== undefined || entry.features === undefined) {
    const features = (fact.needs ?? []).map(featureName);
    entry.features = entry.features?.filter((it) => features.includes(it)) ?? features;
  }
  entries.set(fact.mnemonic, entry);
}

const rows = [...entries]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([mnemonic, { group, features, forms }]) => [
    mnemonic,
    group,
    [...new Set(features)].join(' '),
    // A hover with more forms than these is no longer read.
    ...[...forms].slice(0, 12),
  ]);

const json = JSON.stringify(rows).replaceAll('\\', '\\\\').replaceAll("'", "\\'");
writeFileSync(
  fileURLToPath(new URL('../language-server/mnemonics.generated.ts', import.meta.url)),
  `// Generated by tools/generate-a64-mnemonics.ts; do not edit.\nexport const mnemonicsJson: string =\n  '${json}';\n`,
);
