/**
 * The differences that are no errors of ours: values the architecture leaves UNKNOWN, CONSTRAINED
 * UNPREDICTABLE choices, features that only one of the two processors has, and QEMU's errors.
 */
import { byEncoding } from '../../emulator/sysregs/catalogue.ts';
import { unpackEncoding } from '../../emulator/sysregs/sysreg.ts';
import { HCR_E2H } from '../../emulator/sysregs/virtualization-host.ts';
import { exceptionClassOf } from './accesses/compare.ts';
import type { AccessDisagreement } from './accesses/compare.ts';
import { slotAddress } from './batch.ts';
import type { Case } from './batch.ts';
import { exceptionClass } from './compare.ts';
import type { Difference } from './compare.ts';
import * as L from './layout.ts';
import type { ModelName } from './models.ts';
import { isImplementationDefined, qemuFeatureOf } from './qemu-features.ts';
import type { TranslationCase } from './translation/cases.ts';
import * as T from './translation/layout.ts';
import type { TranslationDisagreement } from './translation/oracle.ts';
import { isLoadOrStore, isSystem } from './words.ts';

export interface Disagreement {
  readonly model: ModelName;
  readonly case: Case;
  readonly input: BigUint64Array;
  readonly qemu: BigUint64Array;
  readonly ours: BigUint64Array;
  readonly differences: readonly Difference[];
}

export interface Explanation {
  readonly reason: string;
  /** Whether this explains the whole disagreement. */
  explains(disagreement: Disagreement): boolean;
}

const EC_UNKNOWN = 0x00;
const EC_SYSTEM_REGISTER = 0x18;
const EC_INSTRUCTION_ABORT_LOWER = 0x20;
const EC_INSTRUCTION_ABORT_SAME = 0x21;
const EC_PC_ALIGNMENT = 0x22;
const EC_DATA_ABORT_LOWER = 0x24;
const EC_DATA_ABORT_SAME = 0x25;
const EC_SP_ALIGNMENT = 0x26;
/** ESR_ELx.ISS.CM of a Data Abort. */
const ISS_CM = 1n << 8n;
/** ESR_ELx.ISS.WnR of a Data Abort. */
const ISS_WnR = 1n << 6n;

const quad = (record: BigUint64Array, offset: number): bigint => record[offset / 8] ?? 0n;

/** The word that the exception was taken from; undefined behind the case's words. */
function wordAt({ case: it }: Disagreement, record: BigUint64Array): number | undefined {
  return it.words[(Number(quad(record, L.ELR)) - slotAddress(it.index)) / 4];
}

const only = ({ differences }: Disagreement, ...allowed: readonly string[]): boolean =>
  differences.every(({ what }) => allowed.includes(what));

const isIn = (EC: number, ...classes: readonly number[]): boolean => classes.includes(EC);

function isPerformanceMonitors(word: number): boolean {
  const { op0, op1, CRn, CRm } = unpackEncoding((word >>> 5) & 0xffff);
  if (!isSystem(word) || op0 !== 3 || op1 !== 3) return false;
  return (CRn === 9 && CRm >= 12) || (CRn === 14 && CRm >= 8);
}

const DCC_REGISTERS = new Set(['DBGDTR_EL0', 'DBGDTRRX_EL0', 'DBGDTRTX_EL0']);
const isDebugCommunicationsChannel = (word: number): boolean =>
  isSystem(word) &&
  (['read', 'write'] as const).some((direction) =>
    DCC_REGISTERS.has(byEncoding((word >>> 5) & 0xffff, direction)?.name ?? ''),
  );

/** What an AArch64-only processor holds as RES0 in FPCR and FPSR. */
const AARCH32_FPCR = 0x0037_0000n; // Stride, Len
const AARCH32_FPSR = 0xf000_0000n; // N, Z, C, V
const MSR_FPCR = 0xd51b4400;
const MSR_FPSR = 0xd51b4420;

const MSR_ESR_EL1 = 0xd5185200;
const ESR_EL1_BITS = 0xffff_ffffn;
const MSR_SPSR_EL1 = 0xd5184000;
/** NZCV, SS, IL, DAIF, M[4:0]; and UAO, PAN, SSBS; and DIT, BTYPE */
const SPSR_EL1_BITS: Readonly<Record<ModelName, bigint>> = {
  'cortex-a72': 0xf030_03dfn,
  'neoverse-n1': 0xf0f0_13dfn,
  'max-supported': 0xf1f0_1fdfn,
};

/** LD1 to LD4, ST1 to ST4, of all structures or one. */
const isStructureAccess = (word: number): boolean => (word & 0xbe000000) >>> 0 === 0x0c000000;

/** Bytes of a Load-Exclusive or Store-Exclusive, which `L` tells apart; undefined for other words. */
function exclusiveBytes(word: number, L: 0 | 1): number | undefined {
  if ((word & 0x3f800000) >>> 0 !== 0x08000000 || ((word >>> 22) & 1) !== L) return undefined;
  const isPair = (word & (1 << 21)) !== 0;
  return 2 ** (word >>> 30) * (isPair ? 2 : 1);
}

/** Store-Exclusive; and the address by which QEMU marks an open monitor. */
const isStoreExclusive = (word: number): boolean => (word & 0x3fc00000) >>> 0 === 0x08000000;
const QEMU_OPEN_MONITOR = 0xffff_ffff_ffff_ffffn;

const MSR_DAIFSET = 0xd50340df;
const MSR_DAIFCLR = 0xd50340ff;
const withoutRt = (word: number): number => (word & ~31) >>> 0;
const withoutCRm = (word: number): number => (word & ~0xf00) >>> 0;

/** ISS of EC 0x18 with Op1 and Op2 exchanged. */
function exchangedOpcodes(ESR: bigint): bigint {
  const Op2 = (ESR >> 17n) & 7n;
  const Op1 = (ESR >> 14n) & 7n;
  return (ESR & ~((7n << 17n) | (7n << 14n))) | (Op1 << 17n) | (Op2 << 14n);
}

const isPcAlignmentPriority = ({ ours, qemu }: Disagreement): boolean =>
  exceptionClass(ours) === EC_PC_ALIGNMENT &&
  isIn(exceptionClass(qemu), EC_INSTRUCTION_ABORT_LOWER, EC_INSTRUCTION_ABORT_SAME) &&
  (quad(ours, L.ELR) & 3n) !== 0n;
const PC_ALIGNMENT_PRIORITY =
  'QEMU fetches before it checks the alignment of PC, which has the higher priority';

const XPACLRI = 0xd50320ff;
const isXPAC = (word: number): boolean =>
  word === XPACLRI || (word & 0xfffffbe0) >>> 0 === 0xdac143e0;
/** SCTLR_EL1.EnIA, EnIB, EnDA and EnDB. */
const SCTLR_POINTER_KEYS = (1n << 31n) | (1n << 30n) | (1n << 27n) | (1n << 13n);

/** The top byte is ignored in one half of the address space and not in the other, for data or instructions. */
function isHalfTagged(TCR: bigint): boolean {
  const bit = (n: bigint): boolean => ((TCR >> n) & 1n) === 1n;
  const [TBI0, TBI1, TBID0, TBID1] = [37n, 38n, 51n, 52n].map(bit);
  return TBI0 !== TBI1 || (TBI0 === true && TBID0 !== TBID1);
}
/** PACIA and its relatives, in the hint space too, and PACGA, whose results are other ones' modifiers. */
const addsCode = (word: number): boolean =>
  (word & 0xffff_c000) >>> 0 === 0xdac1_0000 ||
  (word & 0xffff_fd1f) >>> 0 === 0xd503_211f ||
  (word & 0xffff_ff1f) >>> 0 === 0xd503_231f;

export const explanations: readonly Explanation[] = [
  {
    reason: 'QEMU takes XPAC for a NOP while SCTLR_EL1 enables no key',
    explains: (it) =>
      it.case.words.some(isXPAC) && (quad(it.input, L.SCTLR_EL1) & SCTLR_POINTER_KEYS) === 0n,
  },
  {
    reason:
      'QEMU signs a pointer by bit 63 where the top byte counts in its half, although not in the other',
    explains: (it) => it.case.words.some(addsCode) && isHalfTagged(quad(it.input, L.TCR_EL1)),
  },
  {
    reason: 'an instruction or register of a feature in qemu-features.ts, which QEMU has',
    explains(it) {
      const word = wordAt(it, it.ours);
      return (
        word !== undefined &&
        exceptionClass(it.ours) === EC_UNKNOWN &&
        exceptionClass(it.qemu) !== EC_UNKNOWN &&
        qemuFeatureOf(word, it.model) !== undefined
      );
    },
  },
  {
    reason: 'CONSTRAINED UNPREDICTABLE: bits that should be one or zero are not; UNDEFINED on QEMU',
    explains(it) {
      const word = wordAt(it, it.qemu);
      if (word === undefined || exceptionClass(it.qemu) !== EC_UNKNOWN) return false;
      const isLDAPR = (word & 0x3fe0fc00) >>> 0 === 0x38a0c000 && (word & 0x1f0000) !== 0x1f0000;
      const isCFINV = (word & 0xfffff0ff) >>> 0 === 0xd500401f && (word & 0xf00) !== 0;
      return isLDAPR || isCFINV;
    },
  },
  {
    reason: 'QEMU does not check the alignment of LDAPR',
    explains(it) {
      const word = wordAt(it, it.ours) ?? 0;
      const isLDAPR = (word & 0x3fe0fc00) >>> 0 === 0x38a0c000;
      const address = quad(it.ours, L.FAR);
      return isLDAPR && (quad(it.ours, L.ESR) & 0x3fn) === 0x21n && (address & 7n) !== 0n;
    },
  },
  {
    reason:
      'QEMU takes a reserved encoding beside FMOV (vector, immediate) of half precision for one',
    explains(it) {
      const word = wordAt(it, it.ours) ?? 0;
      const isReserved = (word & 0xbff8fc00) >>> 0 === 0x2f00fc00;
      return isReserved && exceptionClass(it.ours) === EC_UNKNOWN;
    },
  },
  {
    reason: 'QEMU leaves bits 31:16 of a saturated half-precision FCVTZS (scalar, fixed-point) set',
    explains(it) {
      const first = it.case.words[0] ?? 0;
      return (
        (first & 0xfff0fc00) >>> 0 === 0x5f10fc00 &&
        it.differences.every(
          ({ what, qemu, ours }) => what.startsWith('V') && qemu === (ours | 0xffff0000n),
        )
      );
    },
  },
  {
    reason:
      'QEMU takes reserved sizes of FMAXV and its kin, and of FADDP (scalar) and its kin, for half precision',
    explains(it) {
      const word = wordAt(it, it.ours) ?? 0;
      return exceptionClass(it.ours) === EC_UNKNOWN && (word & 0xaf7e0c00) >>> 0 === 0x0e700800;
    },
  },
  {
    reason: 'this processor has no Performance Monitors: UNDEFINED',
    explains(it) {
      const word = wordAt(it, it.ours);
      return (
        word !== undefined &&
        isPerformanceMonitors(word) &&
        exceptionClass(it.ours) === EC_UNKNOWN &&
        exceptionClass(it.qemu) !== EC_UNKNOWN
      );
    },
  },
  {
    reason:
      'FPCR.{Stride,Len} and FPSR.{N,Z,C,V} exist with AArch32 only, which the Cortex-A72 has',
    explains(it) {
      const first = withoutRt(it.case.words[0] ?? 0);
      if (first !== MSR_FPCR && first !== MSR_FPSR) return false;
      const mask = first === MSR_FPCR ? AARCH32_FPCR : AARCH32_FPSR;
      return it.differences.every(
        ({ what, qemu, ours }) =>
          /^(FPCR|FPSR|X\d+)$/.test(what) && ((qemu ^ ours) & ~mask) === 0n && (ours & mask) === 0n,
      );
    },
  },
  {
    reason:
      'registers that a load of several registers had to write are UNKNOWN after a Data Abort',
    explains(it) {
      const word = wordAt(it, it.ours);
      if (word === undefined || !isStructureAccess(word)) return false;
      if (!isIn(exceptionClass(it.ours), EC_DATA_ABORT_LOWER, EC_DATA_ABORT_SAME)) return false;
      const loaded = [0, 1, 2, 3].map((n) => `V${((word & 31) + n) % 32}`);
      return only(it, ...loaded);
    },
  },
  {
    reason: 'a store that meets the end of the sandbox may have stored the bytes before it',
    explains(it) {
      const word = wordAt(it, it.ours);
      const FAR = Number(quad(it.ours, L.FAR));
      return (
        word !== undefined &&
        isLoadOrStore(word) &&
        isIn(exceptionClass(it.ours), EC_DATA_ABORT_LOWER, EC_DATA_ABORT_SAME) &&
        (quad(it.ours, L.ESR) & ISS_WnR) !== 0n &&
        FAR === L.SANDBOX + L.SANDBOX_BYTES &&
        only(it, 'memory')
      );
    },
  },
  {
    reason: 'QEMU keeps what is written to RES0 bits of ESR_EL1 and SPSR_EL1',
    explains(it) {
      const first = withoutRt(it.case.words[0] ?? 0);
      const implemented = first === MSR_ESR_EL1 ? ESR_EL1_BITS : SPSR_EL1_BITS[it.model];
      return (
        (first === MSR_ESR_EL1 || first === MSR_SPSR_EL1) &&
        it.differences.every(
          ({ what, qemu, ours }) => what.startsWith('X') && ours === (qemu & implemented),
        )
      );
    },
  },
  {
    reason: 'QEMU does not check the alignment of SP',
    explains(it) {
      const word = wordAt(it, it.ours);
      const usesSP = word !== undefined && isLoadOrStore(word) && ((word >>> 5) & 31) === 31;
      const misaligned = (quad(it.ours, L.SP) & 15n) !== 0n;
      return usesSP && misaligned && exceptionClass(it.ours) === EC_SP_ALIGNMENT;
    },
  },
  {
    reason: PC_ALIGNMENT_PRIORITY,
    explains: (it) => isPcAlignmentPriority(it) && only(it, 'ESR'),
  },
  {
    reason:
      'QEMU takes the address -1 for the one of a Load-Exclusive, there being none, and faults',
    explains(it) {
      const word = wordAt(it, it.qemu);
      if (word === undefined || !isStoreExclusive(word)) return false;
      const address = quad(it.qemu, 8 * ((word >>> 5) & 31));
      return address === QEMU_OPEN_MONITOR && quad(it.qemu, L.FAR) === address;
    },
  },
  {
    reason:
      'CONSTRAINED UNPREDICTABLE: a Store-Exclusive narrower than the Load-Exclusive; QEMU stores and says it failed',
    explains(it) {
      const sizes = (L: 0 | 1): number[] =>
        it.case.words.flatMap((word) => exclusiveBytes(word, L) ?? []);
      const loaded = sizes(1);
      return only(it, 'memory') && sizes(0).some((size) => loaded.some((wide) => wide > size));
    },
  },
  {
    reason: 'QEMU does not translate the address of DC and IC instructions other than DC ZVA',
    explains(it) {
      const word = wordAt(it, it.ours);
      return (
        word !== undefined &&
        isSystem(word) &&
        isIn(exceptionClass(it.ours), EC_DATA_ABORT_LOWER, EC_DATA_ABORT_SAME) &&
        (quad(it.ours, L.ESR) & ISS_CM) !== 0n &&
        only(it, 'ESR', 'ELR')
      );
    },
  },
  {
    reason: 'QEMU has no DBGDTR_EL0, DBGDTRRX_EL0 and DBGDTRTX_EL0',
    explains(it) {
      const word = wordAt(it, it.qemu);
      return (
        word !== undefined &&
        isDebugCommunicationsChannel(word) &&
        exceptionClass(it.qemu) === EC_UNKNOWN
      );
    },
  },
  {
    reason: 'QEMU exchanges Op1 and Op2 in the syndrome of a trapped MSR DAIFSet or DAIFClr',
    explains(it) {
      const word = withoutCRm(wordAt(it, it.qemu) ?? 0);
      return (
        (word === MSR_DAIFSET || word === MSR_DAIFCLR) &&
        exceptionClass(it.qemu) === EC_SYSTEM_REGISTER &&
        exchangedOpcodes(quad(it.qemu, L.ESR)) === quad(it.ours, L.ESR) &&
        only(it, 'ESR')
      );
    },
  },
];

export function explanationOf(disagreement: Disagreement): Explanation | undefined {
  return explanations.find((it) => it.explains(disagreement));
}

export interface AccessExplanation {
  readonly reason: string;
  /** Whether this explains the whole disagreement. */
  explains(disagreement: AccessDisagreement): boolean;
}

const EC_BRK = 0x3c;
const HCR_TIDCP = 1n << 20n;
const MDCR_TPMCR = 1n << 5n;
const MDCR_TPM = 1n << 6n;
const MDSCR_TDCC = 1n << 12n;

/** The register that the case's MRS or MSR names. */
function nameOf({ case: { word } }: AccessDisagreement): string {
  if (!isSystem(word) || ((word >>> 20) & 1) === 0) return '';
  const direction = ((word >>> 21) & 1) === 1 ? 'read' : 'write';
  return byEncoding((word >>> 5) & 0xffff, direction)?.name ?? '';
}

/** The exception classes are these. */
const classesAre = (it: AccessDisagreement, qemu: number, ours: number): boolean =>
  exceptionClassOf(it.qemu) === qemu && exceptionClassOf(it.ours) === ours;

const differsIn = ({ differences }: AccessDisagreement, ...allowed: readonly string[]): boolean =>
  differences.every(({ what }) => allowed.includes(what));

const DEBUG_REGISTERS_OF_NO_QEMU =
  /^(DBGDTR(RX|TX)?_EL0|DBGCLAIM(SET|CLR)_EL1|DBGPRCR_EL1|OSDTR[RT]X_EL1|OSECCR_EL1|DBGAUTHSTATUS_EL1)$/;

export const accessExplanations: readonly AccessExplanation[] = [
  {
    reason: 'an instruction or register of a feature in qemu-features.ts, which QEMU has',
    explains: (it) =>
      exceptionClassOf(it.ours) === EC_UNKNOWN &&
      qemuFeatureOf(it.case.word, it.model) !== undefined,
  },
  {
    reason: 'QEMU has no registers of the Debug Communications Channel, no claim tags and others',
    explains: (it) =>
      exceptionClassOf(it.qemu) === EC_UNKNOWN && DEBUG_REGISTERS_OF_NO_QEMU.test(nameOf(it)),
  },
  {
    reason: 'QEMU does not execute MRS of MDCCINT_EL1, so that Xt keeps its value',
    explains: (it) => nameOf(it) === 'MDCCINT_EL1' && differsIn(it, 'X0'),
  },
  {
    reason: 'QEMU exchanges Op1 and Op2 in the syndrome of a trapped MSR DAIFSet or DAIFClr',
    explains(it) {
      const word = withoutCRm(it.case.word);
      return (
        (word === MSR_DAIFSET || word === MSR_DAIFCLR) &&
        classesAre(it, EC_SYSTEM_REGISTER, EC_SYSTEM_REGISTER) &&
        it.differences.every(
          ({ what, qemu, ours }) => what.startsWith('ESR_') && exchangedOpcodes(qemu) === ours,
        )
      );
    },
  },
  {
    reason: 'QEMU does not trap by HCR_EL2.TIDCP what it does not implement',
    explains: (it) =>
      classesAre(it, EC_UNKNOWN, EC_SYSTEM_REGISTER) &&
      isImplementationDefined(it.case.word) &&
      it.case.EL === 1 &&
      (it.case.controls.HCR_EL2 & HCR_TIDCP) !== 0n,
  },
  {
    reason: 'QEMU asks CNTHCTL_EL2.EL1PCEN, and not EL1PCTEN, about CNTPCT_EL0 at EL0',
    explains: (it) =>
      it.case.EL === 0 &&
      nameOf(it) === 'CNTPCT_EL0' &&
      (it.case.controls.HCR_EL2 & HCR_E2H) === 0n &&
      [1n, 2n].includes(it.case.controls.CNTHCTL_EL2 & 3n),
  },
  {
    reason: 'QEMU does not ask MDCR_EL2.TPM where PMUSERENR_EL0.{SW, CR, ER} permit the access',
    explains: (it) =>
      it.case.EL === 0 &&
      classesAre(it, EC_BRK, EC_SYSTEM_REGISTER) &&
      isPerformanceMonitors(it.case.word) &&
      (it.case.controls.MDCR_EL2 & MDCR_TPM) !== 0n &&
      (it.case.controls.PMUSERENR_EL0 & 14n) !== 0n,
  },
  {
    reason: 'QEMU has no MDSCR_EL1.TDCC',
    explains: (it) =>
      it.case.EL === 0 &&
      nameOf(it) === 'MDCCSR_EL0' &&
      exceptionClassOf(it.ours) === EC_SYSTEM_REGISTER &&
      (it.case.controls.MDSCR_EL1 & MDSCR_TDCC) !== 0n,
  },
  {
    reason: 'QEMU has no MDCR_EL2.TPMCR',
    explains: (it) =>
      classesAre(it, EC_BRK, EC_SYSTEM_REGISTER) &&
      nameOf(it) === 'PMCR_EL0' &&
      (it.case.controls.MDCR_EL2 & MDCR_TPMCR) !== 0n,
  },
  {
    reason: 'QEMU knows the names of EL12 and EL02 while HCR_EL2.E2H is 0, or traps them',
    explains: (it) =>
      /_EL[01]2$/.test(nameOf(it)) &&
      exceptionClassOf(it.ours) === EC_UNKNOWN &&
      (it.case.controls.HCR_EL2 & HCR_E2H) === 0n,
  },
];

export function accessExplanationOf(
  disagreement: AccessDisagreement,
): AccessExplanation | undefined {
  return accessExplanations.find((it) => it.explains(disagreement));
}

export interface TranslationExplanation {
  readonly reason: string;
  /** Whether this explains the whole disagreement. */
  explains(disagreement: TranslationDisagreement): boolean;
}

/** ESR_ELx of the exception that ended the case, from whichever EL took it. */
function syndromeOf(record: BigUint64Array): bigint {
  const { ESR_EL1, ESR_EL2 } = T.OUTPUT_REGISTERS;
  return quad(record, quad(record, T.VECTOR) < 16n ? ESR_EL1 : ESR_EL2);
}

const FSC = (ESR: bigint): number => Number(ESR & 0x3fn);
const HCR_VM = 1n << 0n;
const HCR_PTW = 1n << 2n;
const HCR_DC = 1n << 12n;
const FSC_EXTERNAL_ABORT = 0x10;
const FSC_ALIGNMENT = 0x21;
const ISS_S1PTW = 1n << 7n;
/** ESR_EL2.ISS.{ISV, SAS, SSE, SRT, SF, AR} of a Data Abort. */
const ISS_ABOUT_REGISTER = 0x1ff_c000n;

const onlyOf = ({ differences }: TranslationDisagreement, ...allowed: readonly string[]): boolean =>
  differences.every(({ what }) => allowed.includes(what));

/** The bits in which the syndromes differ. */
const syndromeDifference = ({ qemu, ours }: TranslationDisagreement): bigint =>
  syndromeOf(qemu) ^ syndromeOf(ours);

export const translationExplanations: readonly TranslationExplanation[] = [
  {
    reason: 'QEMU puts the level of stage 1 into the syndrome when stage 2 refuses a stage 1 table',
    explains: (it) =>
      it.differences.every(({ what, qemu, ours }) =>
        what === 'ESR_EL2'
          ? (qemu & ours & ISS_S1PTW) !== 0n && ((qemu ^ ours) & ~3n) === 0n
          : (what === 'PAR_EL1' || what === 'X0') &&
            (qemu & ours & PAR_PTW_F) === PAR_PTW_F &&
            ((qemu ^ ours) & ~PAR_LEVEL) === 0n,
      ),
  },
  {
    reason: 'QEMU obeys HCR_EL2.PTW while stage 2 is off',
    explains: (it) =>
      (it.case.registers.HCR_EL2 & (HCR_PTW | HCR_DC | HCR_VM)) === HCR_PTW &&
      ((syndromeOf(it.qemu) & ISS_S1PTW) !== 0n ||
        (quad(it.qemu, T.OUTPUT_REGISTERS.PAR_EL1) & PAR_PTW_F) === PAR_PTW_F),
  },
  {
    reason: 'QEMU says about which register an abort of stage 1 is (ISV) when it is taken to EL2',
    explains: (it) =>
      (syndromeDifference(it) & ~ISS_ABOUT_REGISTER) === 0n &&
      (syndromeOf(it.ours) & ISS_ABOUT_REGISTER) === 0n &&
      onlyOf(it, 'ESR_EL2'),
  },
  {
    reason:
      'QEMU makes unaligned accesses to Device memory, and DC ZVA there, which are Alignment faults',
    explains: (it) => FSC(syndromeOf(it.ours)) === FSC_ALIGNMENT && isDeviceUnaligned(it.case),
  },
  {
    reason: PC_ALIGNMENT_PRIORITY,
    explains: (it) =>
      Number(syndromeOf(it.ours) >> 26n) === EC_PC_ALIGNMENT &&
      isIn(
        Number(syndromeOf(it.qemu) >> 26n),
        EC_INSTRUCTION_ABORT_LOWER,
        EC_INSTRUCTION_ABORT_SAME,
      ),
  },
  {
    reason:
      'QEMU gives the aligned address of an unaligned access, or DC ZVA, that is aborted externally',
    explains: (it) =>
      FSC(syndromeOf(it.ours)) === FSC_EXTERNAL_ABORT &&
      isDeviceUnaligned(it.case) &&
      (syndromeDifference(it) & ~ISS_ABOUT_REGISTER) === 0n &&
      it.differences.every(
        ({ what, qemu, ours }) =>
          what.startsWith('ESR') || (what.startsWith('FAR') && ours - qemu < 64n && qemu < ours),
      ),
  },
  {
    reason:
      'QEMU takes Normal Non-cacheable memory of one stage for Device-nGnRE when the other stage says Device',
    explains: (it) =>
      it.differences.every(
        ({ what, qemu, ours }) =>
          (what === 'PAR_EL1' || what === 'X0') &&
          BigInt.asUintN(56, qemu) === BigInt.asUintN(56, ours) &&
          qemu >> 56n === DEVICE_nGnRE &&
          (ours >> 56n === DEVICE_nGRE || ours >> 56n === DEVICE_GRE),
      ),
  },
  {
    reason: 'QEMU gives the shareability of the descriptor in PAR_EL1, whatever the memory type',
    explains: (it) =>
      it.differences.every(
        ({ what, qemu, ours }) =>
          (what === 'PAR_EL1' || what === 'X0') &&
          ((qemu ^ ours) & ~PAR_SH) === 0n &&
          (ours & PAR_SH) === PAR_OUTER_SHAREABLE,
      ) && isOuterShareable(quad(it.ours, T.OUTPUT_REGISTERS.PAR_EL1)),
  },
];

const DEVICE_nGnRE = 0x04n;
const DEVICE_nGRE = 0x08n;
const DEVICE_GRE = 0x0cn;

/** PAR_EL1 of a failure: stage 2 refused a table of stage 1. */
const PAR_PTW_F = (1n << 8n) | 1n;
/** The level in PAR_EL1.FST. */
const PAR_LEVEL = 3n << 1n;
const PAR_SH = 3n << 7n;
const PAR_OUTER_SHAREABLE = 2n << 7n;

/** PAR_EL1.ATTR of Device memory, or Normal memory that is Inner and Outer Non-cacheable. */
function isOuterShareable(PAR: bigint): boolean {
  const attributes = PAR >> 56n;
  return attributes >> 4n === 0n || attributes === 0x44n || attributes === 0x40n;
}

/** An access that Device memory does not allow although SCTLR_ELx.A is clear. */
function isDeviceUnaligned({ registers, access }: TranslationCase): boolean {
  if (access === undefined) return false;
  return access.size === 64 || (registers.X1 & BigInt(access.element - 1)) !== 0n;
}

export function translationExplanationOf(
  disagreement: TranslationDisagreement,
): TranslationExplanation | undefined {
  return translationExplanations.find((it) => it.explains(disagreement));
}
