/**
 * The differences that are no errors of ours: values the architecture leaves UNKNOWN, CONSTRAINED
 * UNPREDICTABLE choices, features that only one of the two processors has, and QEMU's errors.
 */
import { createDecoder } from '../../emulator/isa/decode.ts';
import { cryptographicDefinitions } from '../../emulator/isa/simd-fp/definitions.ts';
import { byEncoding } from '../../emulator/sysregs/catalogue.ts';
import { unpackEncoding } from '../../emulator/sysregs/sysreg.ts';
import { slotAddress } from './batch.ts';
import type { Case } from './batch.ts';
import { exceptionClass } from './compare.ts';
import type { Difference } from './compare.ts';
import * as L from './layout.ts';
import { isLoadOrStore, isSystem } from './words.ts';

export interface Disagreement {
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

const cryptography = createDecoder(cryptographicDefinitions);
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
/** NZCV, SS, IL, DAIF, M[4:0] */
const SPSR_EL1_BITS = 0xf030_03dfn;

/** LD1 to LD4, ST1 to ST4, of all structures or one. */
const isStructureAccess = (word: number): boolean => (word & 0xbe000000) >>> 0 === 0x0c000000;

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

export const explanations: readonly Explanation[] = [
  {
    reason: 'this processor has no cryptographic extension, the Cortex-A72 has',
    explains(it) {
      const word = wordAt(it, it.ours);
      return (
        word !== undefined &&
        exceptionClass(it.ours) === EC_UNKNOWN &&
        cryptography.decode(word) !== undefined
      );
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
      const implemented = first === MSR_ESR_EL1 ? ESR_EL1_BITS : SPSR_EL1_BITS;
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
    reason: 'QEMU fetches before it checks the alignment of PC, which has the higher priority',
    explains: (it) =>
      exceptionClass(it.ours) === EC_PC_ALIGNMENT &&
      isIn(exceptionClass(it.qemu), EC_INSTRUCTION_ABORT_LOWER, EC_INSTRUCTION_ABORT_SAME) &&
      (quad(it.ours, L.ELR) & 3n) !== 0n &&
      only(it, 'ESR'),
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
