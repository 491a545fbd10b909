/** What stepping has to know of an instruction word. Arm ARM, "Branches, Exception Generating and System instructions". */

export type ControlFlow = 'call' | 'return' | 'branch' | 'exceptionReturn' | 'other';

export function controlFlow(word: number): ControlFlow {
  const bits = word >>> 0;
  // BL
  if (bits >>> 26 === 0b100101) return 'call';
  // Unconditional branch (register): 1101011 opc:4 11111 op3:6 Rn op4
  if (bits >>> 25 === 0b1101011) {
    switch ((bits >>> 21) & 0xf) {
      case 0b0001: // BLR, BLRAAZ, BLRABZ
      case 0b1001: // BLRAA, BLRAB
        return 'call';
      case 0b0010: // RET, RETAA, RETAB
        return 'return';
      case 0b0100: // ERET, ERETAA, ERETAB
        return 'exceptionReturn';
      default:
        return 'branch';
    }
  }
  // B, B.cond, CBZ/CBNZ, TBZ/TBNZ
  if (bits >>> 26 === 0b000101 || bits >>> 24 === 0b01010100) return 'branch';
  if ((bits >>> 25) % 64 === 0b011010 || (bits >>> 25) % 64 === 0b011011) return 'branch';
  return 'other';
}
