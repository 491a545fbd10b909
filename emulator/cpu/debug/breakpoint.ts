/**
 * Breakpoints: when DBGBCR<n>_EL1 and DBGBVR<n>_EL1 generate a Breakpoint exception.
 *
 * Arm ARM, "DBGBCR<n>_EL1", AArch64.BreakpointMatch() and AArch64.BreakpointValueMatch(). The
 * functions are pure; a verdict says in words why a breakpoint fires or not.
 *
 * CONSTRAINED UNPREDICTABLE choices: a reserved BT, a context type on a breakpoint that is not
 * context-aware, a reserved HMC:SSC:PMC and a link to a breakpoint that is not context-aware make
 * the breakpoint behave as disabled; it reads back as written.
 */
import {
  contextAwareRange,
  debugArchitecture,
  DEBUG_REGISTERS_OF_A_BANK,
} from '../../sysregs/processor-model.ts';
import type { ProcessorProfile } from '../../sysregs/processor-model.ts';
import type { ExceptionLevel } from '../pstate.ts';
import {
  conditionsInclude,
  describeConditions,
  executionConditions,
  isReservedCombination,
} from './execution-conditions.ts';
import type { DebugImplementation } from './execution-conditions.ts';

/** What the debug logic of a processor has. */
export interface DebugResources extends DebugImplementation {
  readonly breakpoints: number;
  readonly contextAwareBreakpoints: number;
  readonly watchpoints: number;
  /** FEAT_VHE or FEAT_Debugv8p2: BT 0b011x, 0b110x and 0b111x exist. */
  readonly contextIdEL2: boolean;
}

/** DebugVer 7 is FEAT_VHE, 8 FEAT_Debugv8p2. */
export function debugResources(profile: ProcessorProfile, el2: boolean): DebugResources {
  return {
    breakpoints: profile.breakpoints,
    contextAwareBreakpoints: profile.contextAwareBreakpoints,
    watchpoints: profile.watchpoints,
    contextIdEL2: debugArchitecture(profile) >= 7,
    el2,
    el3: false,
    secureEL2: false,
  };
}

/**
 * What is left while those beyond the first 16 are disabled: software that knows of 16 finds the context-aware ones
 * at the same numbers. Arm ARM, IsBreakpointEnabled().
 */
export function withoutExtension(resources: DebugResources): DebugResources {
  const least = (count: number): number => Math.min(count, DEBUG_REGISTERS_OF_A_BANK);
  return {
    ...resources,
    breakpoints: least(resources.breakpoints),
    contextAwareBreakpoints: least(resources.contextAwareBreakpoints),
    watchpoints: least(resources.watchpoints),
  };
}

/** The state that breakpoints and watchpoints are compared with. */
export interface DebugContext {
  readonly EL: ExceptionLevel;
  readonly secure: boolean;
  readonly CONTEXTIDR_EL1: bigint;
  readonly CONTEXTIDR_EL2: bigint;
  /** VTTBR_EL2.VMID, 8 or 16 bits. */
  readonly VMID: bigint;
  /** HCR_EL2.{E2H,TGE} make this the host's EL0 or EL2. Arm ARM, IsInHost(). */
  readonly inHost: boolean;
}

/** The breakpoint registers by index. */
export interface BreakpointRegisters {
  DBGBCR(n: number): bigint;
  DBGBVR(n: number): bigint;
}

export const DBGBCR_E = 1n;

export const breakpointType = (DBGBCR: bigint): number => Number((DBGBCR >> 20n) & 0xfn);
/** LBN, with LBNX of FEAT_Debugv8p9 above it; LBNX is RES0 elsewhere. Of DBGBCR and DBGWCR. */
export const linkedBreakpointNumber = (control: bigint): number =>
  Number(((control >> 16n) & 0xfn) | (((control >> 30n) & 3n) << 4n));

export interface BreakpointTypeInfo {
  readonly BT: number;
  readonly name: string;
  readonly address: boolean;
  /** BT 0b010x: address mismatch, AArch32 only. */
  readonly mismatch: boolean;
  readonly contextId: boolean;
  readonly contextIdEL1: boolean;
  readonly contextIdEL2: boolean;
  readonly VMID: boolean;
  /** Only matches as part of another breakpoint or watchpoint that links to it. */
  readonly linkable: boolean;
  /** An address breakpoint that links to a context breakpoint by LBN. */
  readonly linked: boolean;
}

const TYPE_NAMES: readonly string[] = [
  'address match',
  'address match, linked',
  'context ID match',
  'context ID match, linkable',
  'address mismatch',
  'address mismatch, linked',
  'CONTEXTIDR_EL1 match',
  'CONTEXTIDR_EL1 match, linkable',
  'VMID match',
  'VMID match, linkable',
  'VMID and CONTEXTIDR_EL1 match',
  'VMID and CONTEXTIDR_EL1 match, linkable',
  'CONTEXTIDR_EL2 match',
  'CONTEXTIDR_EL2 match, linkable',
  'CONTEXTIDR_EL1 and CONTEXTIDR_EL2 match',
  'CONTEXTIDR_EL1 and CONTEXTIDR_EL2 match, linkable',
];

export function breakpointTypeInfo(BT: number): BreakpointTypeInfo {
  const mismatch = (BT & 0b1110) === 0b0100;
  const address = (BT & 0b1010) === 0;
  return {
    BT,
    name: TYPE_NAMES[BT & 0xf] as string,
    address,
    mismatch,
    contextId: (BT & 0b1110) === 0b0010,
    contextIdEL1: (BT & 0b1110) === 0b1010 || (BT & 0b0110) === 0b0110,
    contextIdEL2: (BT & 0b1100) === 0b1100,
    VMID: (BT & 0b1100) === 0b1000,
    linkable: (BT & 0b0011) === 0b0011 || (BT & 0b1001) === 0b1001,
    linked: (BT & 0b1011) === 0b0001,
  };
}

/** Arm ARM, IsContextAwareBreakpoint(). */
export function isContextAware(
  n: number,
  resources: Pick<DebugResources, 'breakpoints' | 'contextAwareBreakpoints'>,
): boolean {
  const [first, last] = contextAwareRange(resources);
  return n >= first && n <= last;
}

/** Why BT is reserved for breakpoint n, or undefined when it is a type this breakpoint has. */
export function reservedTypeReason(
  n: number,
  BT: number,
  resources: DebugResources,
): string | undefined {
  const type = breakpointTypeInfo(BT);
  if (type.mismatch) return 'BT 0b010x (address mismatch) exists only for AArch32';
  if (type.address) return undefined;
  if (!isContextAware(n, resources)) return `breakpoint ${n} is not context-aware`;
  if (type.VMID && !resources.el2) return 'VMID comparison needs EL2';
  const needsDebugv8p2 = BT === 0b0110 || BT === 0b0111 || type.contextIdEL2;
  if (needsDebugv8p2 && !resources.contextIdEL2) {
    return `BT 0b${BT.toString(2).padStart(4, '0')} needs FEAT_VHE or FEAT_Debugv8p2`;
  }
  return undefined;
}

/** Bits 63:2 of an instruction address. AArch64 instructions are aligned, so BAS (RES1) is no filter. */
const instructionAddress = (value: bigint): bigint => value >> 2n;

/** Whether the context part of a context breakpoint equals the current context. */
function contextMatches(
  BT: number,
  DBGBVR: bigint,
  context: DebugContext,
  resources: DebugResources,
): boolean {
  const type = breakpointTypeInfo(BT);
  const low = DBGBVR & 0xffff_ffffn;
  const EL01 = context.EL <= 1;
  if (type.contextId) {
    const matches = context.inHost
      ? low === context.CONTEXTIDR_EL2
      : EL01 && low === context.CONTEXTIDR_EL1;
    if (!matches) return false;
  }
  if (type.contextIdEL1 && !(EL01 && !context.inHost && low === context.CONTEXTIDR_EL1)) {
    return false;
  }
  if (type.VMID) {
    const VMID = (DBGBVR >> 32n) & 0xffffn;
    if (!(EL01 && resources.el2 && !context.inHost && VMID === context.VMID)) return false;
  }
  if (type.contextIdEL2 && !(resources.el2 && DBGBVR >> 32n === context.CONTEXTIDR_EL2)) {
    return false;
  }
  return true;
}

export type Verdict =
  { readonly fires: true } | { readonly fires: false; readonly because: string };

export const FIRES: Verdict = { fires: true };
export const silent = (because: string): Verdict => ({ fires: false, because });

/** Whether the context breakpoint that LBN names permits the breakpoint or watchpoint linking to it. */
export function linkVerdict(
  LBN: number,
  registers: BreakpointRegisters,
  context: DebugContext,
  resources: DebugResources,
): Verdict {
  if (LBN >= resources.breakpoints) return silent(`LBN ${LBN} is not implemented`);
  if (!isContextAware(LBN, resources)) {
    return silent(`LBN ${LBN} is not a context-aware breakpoint`);
  }
  const control = registers.DBGBCR(LBN);
  const BT = breakpointType(control);
  if ((control & DBGBCR_E) === 0n) return silent(`linked breakpoint ${LBN} is disabled`);
  const reserved = reservedTypeReason(LBN, BT, resources);
  if (reserved !== undefined) return silent(`linked breakpoint ${LBN}: ${reserved}`);
  const { linkable, name } = breakpointTypeInfo(BT);
  if (!linkable) return silent(`linked breakpoint ${LBN} (${name}) cannot be linked to`);
  return contextMatches(BT, registers.DBGBVR(LBN), context, resources)
    ? FIRES
    : silent(`linked breakpoint ${LBN} (${name}) does not match the current context`);
}

/**
 * Everything about breakpoint n that does not depend on the context: undefined when it could fire
 * somewhere, otherwise the reason why it never does.
 */
export function inertBreakpointReason(
  n: number,
  DBGBCR: bigint,
  resources: DebugResources,
): string | undefined {
  if (n >= resources.breakpoints) return `breakpoint ${n} is not implemented`;
  if ((DBGBCR & DBGBCR_E) === 0n) return 'DBGBCR.E is 0';
  const BT = breakpointType(DBGBCR);
  const reserved = reservedTypeReason(n, BT, resources);
  if (reserved !== undefined) return reserved;
  const type = breakpointTypeInfo(BT);
  if (type.linkable) return `${type.name}: fires only through what links to it`;
  const conditions = executionConditions(DBGBCR);
  if (isReservedCombination(conditions, resources)) {
    return 'HMC, SSC and PMC are a reserved combination';
  }
  return undefined;
}

/**
 * Arm ARM, AArch64.BreakpointMatch() for the instruction at `pc`, without the global enables
 * (MDSCR_EL1, OS Lock, routing).
 */
export function breakpointVerdict(
  n: number,
  pc: bigint,
  registers: BreakpointRegisters,
  context: DebugContext,
  resources: DebugResources,
): Verdict {
  if (n >= resources.breakpoints) return silent(`breakpoint ${n} is not implemented`);
  const DBGBCR = registers.DBGBCR(n);
  const inert = inertBreakpointReason(n, DBGBCR, resources);
  if (inert !== undefined) return silent(inert);
  const conditions = executionConditions(DBGBCR);
  if (!conditionsInclude(conditions, context.EL, context.secure)) {
    const levels = describeConditions(conditions, context.secure);
    return silent(`HMC, SSC and PMC select ${levels}, not EL${context.EL}`);
  }
  const BT = breakpointType(DBGBCR);
  const type = breakpointTypeInfo(BT);
  const DBGBVR = registers.DBGBVR(n);
  if (!type.address) {
    return contextMatches(BT, DBGBVR, context, resources)
      ? FIRES
      : silent(`${type.name}: not the current context`);
  }
  if (instructionAddress(DBGBVR) !== instructionAddress(pc)) {
    return silent('the address does not match');
  }
  return type.linked
    ? linkVerdict(linkedBreakpointNumber(DBGBCR), registers, context, resources)
    : FIRES;
}
