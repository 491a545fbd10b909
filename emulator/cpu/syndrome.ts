/**
 * Exception syndromes: building ESR_ELx values and reading them back as prose.
 *
 * Arm ARM, "ESR_EL1, Exception Syndrome Register (EL1)". ESR = EC << 26 | IL << 25 | ISS; every
 * A64 instruction is 32 bits, so IL is 1 throughout.
 */

export const EC_UNKNOWN = 0x00;
export const EC_WFX = 0x01;
export const EC_FP_ACCESS = 0x07;
export const EC_POINTER_AUTHENTICATION = 0x09;
export const EC_BRANCH_TARGET = 0x0d;
export const EC_ILLEGAL_STATE = 0x0e;
export const EC_SVC64 = 0x15;
export const EC_HVC64 = 0x16;
export const EC_SMC64 = 0x17;
/** Trapped ERET, ERETAA or ERETAB. */
export const EC_ERET = 0x1a;
export const EC_SYSTEM_REGISTER = 0x18;
export const EC_INSTRUCTION_ABORT_LOWER = 0x20;
export const EC_INSTRUCTION_ABORT_SAME = 0x21;
export const EC_PC_ALIGNMENT = 0x22;
export const EC_DATA_ABORT_LOWER = 0x24;
export const EC_DATA_ABORT_SAME = 0x25;
export const EC_SP_ALIGNMENT = 0x26;
export const EC_SERROR = 0x2f;
export const EC_BREAKPOINT_LOWER = 0x30;
export const EC_BREAKPOINT_SAME = 0x31;
export const EC_SOFTWARE_STEP_LOWER = 0x32;
export const EC_SOFTWARE_STEP_SAME = 0x33;
export const EC_WATCHPOINT_LOWER = 0x34;
export const EC_WATCHPOINT_SAME = 0x35;
export const EC_BRK64 = 0x3c;

const IL = 1 << 25;

/** Fault status codes, DFSC and IFSC. Arm ARM, ESR_EL1, "ISS encoding for an exception from a Data Abort". */
export const FSC_ADDRESS_SIZE_L0 = 0b000000;
export const FSC_TRANSLATION_L0 = 0b000100;
export const FSC_EXTERNAL_ABORT = 0b010000;
export const FSC_ALIGNMENT = 0b100001;
export const FSC_DEBUG = 0b100010;

/** ISS of an FP or Advanced SIMD access trap: CV = 1, COND = 0b1110. */
export const ISS_FP_ACCESS = (1 << 24) | (0xe << 20);

/** ESR as a 64-bit value; `ISS` is at most 25 bits. */
export function makeESR(EC: number, ISS = 0): bigint {
  return BigInt(EC * 2 ** 26 + IL + (ISS & 0x1ff_ffff));
}

export interface SystemRegisterIss {
  readonly op0: number;
  readonly op1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly op2: number;
  readonly Rt: number;
  readonly direction: 'read' | 'write';
}

/** ISS of EC 0x18 from a packed encoding (op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2). */
export function systemRegisterIss(packed: number, Rt: number, direction: 'read' | 'write'): number {
  return (
    (((packed >>> 14) & 3) << 20) |
    ((packed & 7) << 17) |
    (((packed >>> 11) & 7) << 14) |
    (((packed >>> 7) & 15) << 10) |
    ((Rt & 31) << 5) |
    (((packed >>> 3) & 15) << 1) |
    (direction === 'read' ? 1 : 0)
  );
}

export function decodeSystemRegisterIss(ISS: number): SystemRegisterIss {
  return {
    op0: (ISS >>> 20) & 3,
    op2: (ISS >>> 17) & 7,
    op1: (ISS >>> 14) & 7,
    CRn: (ISS >>> 10) & 15,
    Rt: (ISS >>> 5) & 31,
    CRm: (ISS >>> 1) & 15,
    direction: ISS & 1 ? 'read' : 'write',
  };
}

/** ISS of an Instruction Abort; FAR is valid. */
export function instructionAbortIss(FSC: number, s1ptw: boolean): number {
  return (s1ptw ? 1 << 7 : 0) | FSC;
}

/** ISS of a Data Abort without instruction syndrome (ISV = 0), as stage 1 and external aborts have. */
export function dataAbortIss(options: {
  readonly FSC: number;
  readonly isWrite: boolean;
  /** Cache maintenance, AT or DC ZVA-like instructions other than DC ZVA. */
  readonly cacheMaintenance?: boolean;
  readonly s1ptw?: boolean;
}): number {
  return (
    (options.cacheMaintenance === true ? 1 << 8 : 0) |
    (options.s1ptw === true ? 1 << 7 : 0) |
    (options.isWrite ? 1 << 6 : 0) |
    options.FSC
  );
}

/** ISS of a software step exception. ISV = 0: the previous instruction was not itself stepped. */
export function softwareStepIss(stepped: boolean, loadExclusive: boolean): number {
  return (stepped ? 1 << 24 : 0) | (stepped && loadExclusive ? 1 << 6 : 0) | FSC_DEBUG;
}

/** ISS of a watchpoint exception. WPTV and WPT tell the number of the watchpoint where that is known. */
export function watchpointIss(isWrite: boolean, cacheMaintenance = false, n?: number): number {
  const number = n === undefined ? 0 : (1 << 17) | (n << 18);
  return number | (cacheMaintenance ? 1 << 8 : 0) | (isWrite ? 1 << 6 : 0) | FSC_DEBUG;
}

/** ISS of a trapped WFI, WFE. */
export function wfxIss(which: 'WFI' | 'WFE'): number {
  return (1 << 24) | (0xe << 20) | (which === 'WFE' ? 1 : 0);
}

const EC_NAMES: Readonly<Record<number, string>> = {
  [EC_UNKNOWN]: 'Unknown reason (UNDEFINED instruction)',
  [EC_WFX]: 'Trapped WFI or WFE',
  0x03: 'Trapped MCR or MRC (coproc 0b1111)',
  [EC_FP_ACCESS]: 'Access to SVE, Advanced SIMD or floating-point functionality trapped',
  [EC_POINTER_AUTHENTICATION]: 'Trapped pointer authentication instruction',
  [EC_BRANCH_TARGET]: 'Branch Target exception',
  [EC_ILLEGAL_STATE]: 'Illegal Execution state',
  [EC_SVC64]: 'SVC instruction (AArch64)',
  [EC_HVC64]: 'HVC instruction (AArch64)',
  [EC_SMC64]: 'SMC instruction (AArch64)',
  [EC_SYSTEM_REGISTER]: 'Trapped MSR, MRS or System instruction (AArch64)',
  [EC_ERET]: 'Trapped ERET, ERETAA or ERETAB',
  0x19: 'Access to SVE functionality trapped',
  [EC_INSTRUCTION_ABORT_LOWER]: 'Instruction Abort from a lower Exception level',
  [EC_INSTRUCTION_ABORT_SAME]: 'Instruction Abort without a change of Exception level',
  [EC_PC_ALIGNMENT]: 'PC alignment fault',
  [EC_DATA_ABORT_LOWER]: 'Data Abort from a lower Exception level',
  [EC_DATA_ABORT_SAME]: 'Data Abort without a change of Exception level',
  [EC_SP_ALIGNMENT]: 'SP alignment fault',
  0x2c: 'Trapped floating-point exception (AArch64)',
  [EC_SERROR]: 'SError interrupt',
  [EC_BREAKPOINT_LOWER]: 'Breakpoint exception from a lower Exception level',
  [EC_BREAKPOINT_SAME]: 'Breakpoint exception without a change of Exception level',
  [EC_SOFTWARE_STEP_LOWER]: 'Software Step exception from a lower Exception level',
  [EC_SOFTWARE_STEP_SAME]: 'Software Step exception without a change of Exception level',
  [EC_WATCHPOINT_LOWER]: 'Watchpoint exception from a lower Exception level',
  [EC_WATCHPOINT_SAME]: 'Watchpoint exception without a change of Exception level',
  0x38: 'BKPT instruction (AArch32)',
  0x3a: 'Vector Catch exception (AArch32)',
  [EC_BRK64]: 'BRK instruction (AArch64)',
};

function faultStatusName(FSC: number): string {
  const level = FSC & 3;
  switch (FSC >>> 2) {
    case 0b0000:
      return `Address size fault, level ${level}`;
    case 0b0001:
      return `Translation fault, level ${level}`;
    case 0b0010:
      return `Access flag fault, level ${level}`;
    case 0b0011:
      return `Permission fault, level ${level}`;
    case 0b0101:
      return `Synchronous External abort on translation table walk, level ${level}`;
    default:
      break;
  }
  switch (FSC) {
    case FSC_EXTERNAL_ABORT:
      return 'Synchronous External abort, not on translation table walk';
    case FSC_ALIGNMENT:
      return 'Alignment fault';
    case FSC_DEBUG:
      return 'Debug exception';
    case 0b110000:
      return 'TLB conflict abort';
    case 0b110101:
      return 'Unsupported Exclusive or Atomic access';
    default:
      return `reserved status code 0x${FSC.toString(16)}`;
  }
}

export interface SyndromeField {
  readonly name: string;
  /** `high:low` or a single bit number, in ESR_ELx. */
  readonly bits: string;
  readonly value: number;
  readonly meaning?: string;
}

export interface SyndromeDescription {
  readonly EC: number;
  readonly ISS: number;
  readonly title: string;
  readonly fields: readonly SyndromeField[];
}

/** Prose fields of an ESR value, for people. */
export function describeESR(ESR: bigint): SyndromeDescription {
  const low = Number(ESR & 0xffff_ffffn);
  const EC = low >>> 26;
  const ISS = low & 0x1ff_ffff;
  const title = EC_NAMES[EC] ?? `reserved exception class 0x${EC.toString(16)}`;
  const fields: SyndromeField[] = [
    { name: 'EC', bits: '31:26', value: EC, meaning: title },
    { name: 'IL', bits: '25', value: (low >>> 25) & 1 },
    { name: 'ISS', bits: '24:0', value: ISS },
  ];
  const bit = (name: string, position: number, meaning?: readonly [string, string]): void => {
    const value = (ISS >>> position) & 1;
    fields.push({
      name,
      bits: String(position),
      value,
      ...(meaning === undefined ? {} : { meaning: value === 1 ? meaning[1] : meaning[0] }),
    });
  };
  const status = (name: 'DFSC' | 'IFSC'): void => {
    const FSC = ISS & 0x3f;
    fields.push({ name, bits: '5:0', value: FSC, meaning: faultStatusName(FSC) });
  };
  switch (EC) {
    case EC_WFX:
      fields.push({
        name: 'TI',
        bits: '1:0',
        value: ISS & 3,
        meaning: ['WFI', 'WFE', 'WFIT', 'WFET'][ISS & 3] as string,
      });
      break;
    case EC_SVC64:
    case EC_HVC64:
    case EC_SMC64:
      fields.push({ name: 'imm16', bits: '15:0', value: ISS & 0xffff });
      break;
    case EC_BRK64:
      fields.push({ name: 'Comment', bits: '15:0', value: ISS & 0xffff });
      break;
    case EC_BRANCH_TARGET:
      fields.push({ name: 'BTYPE', bits: '1:0', value: ISS & 3 });
      break;
    case EC_SYSTEM_REGISTER: {
      const { op0, op1, CRn, CRm, op2, Rt } = decodeSystemRegisterIss(ISS);
      fields.push(
        { name: 'Op0', bits: '21:20', value: op0 },
        { name: 'Op2', bits: '19:17', value: op2 },
        { name: 'Op1', bits: '16:14', value: op1 },
        { name: 'CRn', bits: '13:10', value: CRn },
        { name: 'Rt', bits: '9:5', value: Rt },
        { name: 'CRm', bits: '4:1', value: CRm },
      );
      bit('Direction', 0, ['write (MSR, SYS)', 'read (MRS, SYSL)']);
      break;
    }
    case EC_INSTRUCTION_ABORT_LOWER:
    case EC_INSTRUCTION_ABORT_SAME:
      bit('FnV', 10, ['FAR is valid', 'FAR is not valid']);
      bit('EA', 9);
      bit('S1PTW', 7, ['not on a stage 1 walk', 'stage 2 fault on a stage 1 walk']);
      status('IFSC');
      break;
    case EC_DATA_ABORT_LOWER:
    case EC_DATA_ABORT_SAME:
      bit('ISV', 24, ['no instruction syndrome', 'instruction syndrome valid']);
      bit('FnV', 10, ['FAR is valid', 'FAR is not valid']);
      bit('EA', 9);
      bit('CM', 8, ['not cache maintenance', 'cache maintenance']);
      bit('S1PTW', 7, ['not on a stage 1 walk', 'stage 2 fault on a stage 1 walk']);
      bit('WnR', 6, ['read', 'write']);
      status('DFSC');
      break;
    case EC_WATCHPOINT_LOWER:
    case EC_WATCHPOINT_SAME:
      bit('WPTV', 17, ['WPT is not valid', 'WPT is valid']);
      bit('CM', 8, ['not cache maintenance', 'cache maintenance']);
      bit('WnR', 6, ['read', 'write']);
      status('DFSC');
      break;
    case EC_BREAKPOINT_LOWER:
    case EC_BREAKPOINT_SAME:
      status('IFSC');
      break;
    case EC_SOFTWARE_STEP_LOWER:
    case EC_SOFTWARE_STEP_SAME:
      bit('ISV', 24, [
        'EX is not valid: the previous instruction was not stepped',
        'EX is valid: an instruction was stepped',
      ]);
      bit('EX', 6, ['not a Load-Exclusive', 'a Load-Exclusive instruction was stepped']);
      status('IFSC');
      break;
    default:
      break;
  }
  return { EC, ISS, title, fields };
}
