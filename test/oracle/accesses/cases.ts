/** One instruction that is a matter of permission, at a random EL under random controls. */
import {
  all,
  byEncoding,
  pstateFields,
  systemInstructions,
} from '../../../emulator/sysregs/catalogue.ts';
import type { CpuModel } from '../../../emulator/sysregs/cpu-model.ts';
import { implementedRegisters } from '../../../emulator/sysregs/definitions.ts';
import type { ImplementedRegisters } from '../../../emulator/sysregs/definitions.ts';
import { v8_0 } from '../../../emulator/sysregs/processor-model.ts';
import { mrsOpcode, msrOpcode } from '../../../emulator/sysregs/sysreg.ts';
import type { Direction } from '../../../emulator/sysregs/sysreg.ts';
import { implementedInstructions } from '../../../emulator/sysregs/system-instructions.ts';
import type { RandomBits } from '../random-bits.ts';
import * as L from './layout.ts';

export interface AccessCase {
  readonly EL: 0 | 1 | 2;
  readonly SPSel: 0 | 1;
  readonly word: number;
  readonly X0: bigint;
  readonly controls: Readonly<Record<L.Control, bigint>>;
}

const bit = (position: number): bigint => 1n << BigInt(position);
export const HCR_RW = bit(31);
export const HCR_TGE = bit(27);
export const HCR_E2H = bit(34);
/** IMO, FMO, AMO, TID1 to TID3, TIDCP, TACR, TSW, TPCP, TPU, TTLB, TVM, TDZ, TRVM. */
const HCR_TRAPS = [3, 4, 5, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 28, 30].map(bit);
const HCR_TLOR = bit(35);
/** LSMAOE, nTLSMD, SPAN, EIS, EOS and the UNKNOWN nTWE, nTWI. */
const SCTLR_ONES = 0x30d0_0800n | bit(18) | bit(16);
/** UCI, UCT, DZE, UMA */
const SCTLR_ENABLES = [26, 15, 14, 9].map(bit);
const SCTLR_EL2_ONES = 0x30c5_0830n;
const CPTR_ONES = 0x33ffn;
const CPTR_TFP = bit(10);
const CPTR_TCPAC = bit(31);
/** TPMCR, TPM, TDE, TDA, TDOSA, TDRA */
const MDCR_TRAPS = [5, 6, 8, 9, 10, 11].map(bit);
/** Event counters of EL1 and EL0: as many as each processor has. */
const HPMN = 4n;
const MDSCR_TDCC = bit(12);
/** EL0PCTEN, EL0VCTEN, EL0VTEN, EL0PTEN; EL1PCTEN and EL1PTEN with E2H. */
const COUNTERS = [0, 1, 8, 9, 10, 11].map(bit);

const some = (bits: RandomBits, values: readonly bigint[], chance: number): bigint =>
  values.reduce((sum, value) => (bits.below(100) < chance ? sum | value : sum), 0n);

const wide = (bits: RandomBits): bigint => (BigInt(bits.next()) << 32n) | BigInt(bits.next());

function randomControls(bits: RandomBits, { features }: CpuModel): AccessCase['controls'] {
  const hasVHE = features.has('FEAT_VHE');
  const E2H = hasVHE && bits.oneIn(2) ? HCR_E2H : 0n;
  const TGE = bits.oneIn(4) ? HCR_TGE : 0n;
  const trapping = bits.oneIn(2);
  const TLOR = features.has('FEAT_LOR') && trapping && bits.oneIn(8) ? HCR_TLOR : 0n;
  const enables = bits.pick([10, 60, 95]);
  const FPEN = BigInt(bits.below(4)) << 20n;
  const CPTR =
    E2H === 0n ? CPTR_ONES | (bits.oneIn(4) ? CPTR_TFP : 0n) : bits.oneIn(2) ? 3n << 20n : FPEN;
  return {
    SCTLR_EL1: SCTLR_ONES | some(bits, SCTLR_ENABLES, enables),
    CPACR_EL1: bits.oneIn(2) ? 3n << 20n : BigInt(bits.below(4)) << 20n,
    CNTKCTL_EL1: some(bits, COUNTERS.slice(0, 4), enables),
    PMUSERENR_EL0: BigInt(bits.below(16)),
    MDSCR_EL1: bits.oneIn(4) ? MDSCR_TDCC : 0n,
    SCTLR_EL2: SCTLR_EL2_ONES | (E2H === 0n ? 0n : some(bits, SCTLR_ENABLES.slice(0, 3), enables)),
    CPTR_EL2: CPTR | (bits.oneIn(8) ? CPTR_TCPAC : 0n),
    CNTHCTL_EL2: some(bits, E2H === 0n ? COUNTERS.slice(0, 2) : COUNTERS, enables),
    MDCR_EL2: HPMN | (bits.oneIn(2) ? some(bits, MDCR_TRAPS, 20) : 0n),
    HSTR_EL2: bits.oneIn(4) ? BigInt(bits.below(0x10000)) & ~0x4010n : 0n,
    HCR_EL2: HCR_RW | E2H | TGE | TLOR | (trapping ? some(bits, HCR_TRAPS, 15) : 0n),
  };
}

const FADD = 0x1e602800;
const SVC = 0xd4000001;
const HVC = 0xd4000002;
const BRK = 0xd4200000;
/** Immediates of the harness's own HVC are below. */
const FIRST_IMMEDIATE = 0x100;

/** A write of these takes the vectors away, restarts the processor, or turns the MMU on. */
const isDangerous = (name: string): boolean => /^(VBAR|RMR|RVBAR|HCR|DLR|DSPSR)_|^GCR/.test(name);
/** Time decides what is left in CVAL. */
const isTimerValue = (name: string): boolean => /^CNT.*_TVAL_/.test(name);

/** What a case may write to bits that both processors have; translation, steps and stalls stay off. */
function writableBits(registers: ImplementedRegisters, encoding: number): bigint {
  const register = registers.byEncoding(encoding, 'write');
  if (register === undefined) return 0n;
  const name = register.reg.aliasOf ?? register.reg.name;
  if (name.startsWith('SCTLR_')) return some64([26, 15, 14, 12, 9, 3, 2]);
  if (name === 'MDSCR_EL1') return MDSCR_TDCC;
  if (name === 'MDCR_EL2') return some64([5, 6, 8, 9, 10, 11]);
  if (name === 'CPTR_EL2' || name === 'CPACR_EL1') return 3n << 20n;
  return register.writable;
}
const some64 = (positions: readonly number[]): bigint =>
  positions.reduce((sum, position) => sum | bit(position), 0n);

export class AccessCases {
  readonly #model: CpuModel;
  readonly registers: ImplementedRegisters;
  readonly #implemented: readonly number[];

  constructor(model: CpuModel) {
    this.#model = model;
    this.registers = implementedRegisters({ ...v8_0, model });
    this.#implemented = [...this.registers.all, ...this.registers.aliases].map(
      ({ reg }) => reg.encoding,
    );
  }

  random(bits: RandomBits): AccessCase {
    const controls = randomControls(bits, this.#model);
    const TGE = (controls.HCR_EL2 & HCR_TGE) !== 0n;
    const EL = TGE ? bits.pick([0, 2] as const) : bits.pick([0, 0, 1, 1, 1, 2] as const);
    const SPSel = EL > 0 && !bits.oneIn(8) ? 1 : 0;
    const [word, X0] = this.#instruction(bits);
    return { EL, SPSel, word, X0, controls };
  }

  #instruction(bits: RandomBits): readonly [word: number, X0: bigint] {
    switch (bits.below(16)) {
      case 0:
        return [FADD, 0n];
      case 1: {
        const immediate = FIRST_IMMEDIATE + bits.below(0x1000);
        return [(bits.pick([SVC, SVC, HVC, BRK]) | (immediate << 5)) >>> 0, 0n];
      }
      case 2: {
        const { op1, op2, CRmHigh } = bits.pick(pstateFields);
        const CRm = CRmHigh === undefined ? bits.below(16) : (CRmHigh << 1) | bits.below(2);
        return [(0xd500401f | (op1 << 16) | (CRm << 8) | (op2 << 5)) >>> 0, 0n];
      }
      case 3:
      case 4:
      case 5: {
        const known = [...implementedInstructions.values()];
        const { encoding } = bits.pick(bits.oneIn(4) ? systemInstructions : known);
        return [(0xd5000000 | (encoding << 5)) >>> 0, BigInt(L.DATA)];
      }
      case 6: {
        // The IMPLEMENTATION DEFINED space, and anything else.
        const random = 0x8000 | bits.below(0x8000);
        const encoding = bits.oneIn(2)
          ? (random & ~(15 << 7)) | (bits.pick([11, 15]) << 7)
          : random;
        return this.#move(encoding, bits);
      }
      case 7:
        return this.#move(bits.pick(all).encoding, bits);
      default:
        return this.#move(bits.pick(this.#implemented), bits);
    }
  }

  #move(encoding: number, bits: RandomBits): readonly [word: number, X0: bigint] {
    const direction: Direction = bits.oneIn(2) ? 'read' : 'write';
    const read = [mrsOpcode({ encoding }, 0), wide(bits)] as const;
    if (direction === 'read') return read;
    const name = byEncoding(encoding, 'write')?.name;
    // What nobody has named may be anything to QEMU's processor.
    if (name !== undefined && (isDangerous(name) || isTimerValue(name))) return read;
    return [msrOpcode({ encoding }, 0), wide(bits) & writableBits(this.registers, encoding)];
  }
}
