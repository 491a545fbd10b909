/** What the instructions of FEAT_PAuth have in common: keys, and the order of their mnemonics. */

/** A key for addresses: of instructions (I) or data (D), A or B. APGAKey_EL1 makes generic codes only. */
export type PointerKey = 'IA' | 'IB' | 'DA' | 'DB';

/** By opcode<1:0> of PAC* and AUT*. */
export const POINTER_KEYS = ['IA', 'IB', 'DA', 'DB'] as const satisfies readonly PointerKey[];

/** By M of BRAA and its relatives. */
export const INSTRUCTION_KEYS = ['IA', 'IB'] as const satisfies readonly PointerKey[];
/** By M of LDRAA and LDRAB. */
export const DATA_KEYS = ['DA', 'DB'] as const satisfies readonly PointerKey[];
