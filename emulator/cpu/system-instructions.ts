/**
 * SYS and SYSL: AT, DC, IC and TLBI. Caches do not exist, so maintenance by set/way and of whole
 * caches does nothing; operations by VA translate and watch their address as the Arm ARM asks.
 * DC ZVA is a store and is executed by the engine.
 */
import {
  ACCESS_ALLOWED,
  instructionAccessCode,
  unimplementedAccessCode,
} from '../sysregs/access-rules.ts';
import type { AccessCode } from '../sysregs/access-rules.ts';
import { systemInstruction } from '../sysregs/catalogue.ts';
import type { SystemInstruction } from '../sysregs/catalogue.ts';
import { genericName, unpackEncoding } from '../sysregs/sysreg.ts';
import { elIsInHost } from '../sysregs/virtualization-host.ts';
import { instructionsOf } from '../sysregs/system-instructions.ts';
import { isExternalAbortOnWalk } from '../mmu/fault.ts';
import { encodePar } from '../mmu/par-el1.ts';
import { translate, translateFirstStage } from '../mmu/translate.ts';
import { abortFault } from './memory-access.ts';
import type { MemoryFault } from './memory-access.ts';
import type { ProcessingElement } from './pe.ts';
import type { ExceptionLevel } from './pstate.ts';

export type SystemInstructionOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly code: AccessCode }
  | { readonly kind: 'fault'; readonly fault: MemoryFault };

const DONE: SystemInstructionOutcome = { kind: 'done' };

/** `encoding` is packed with op0 = 1; `Xt` the argument. */
export function executeSystemInstruction(
  pe: ProcessingElement,
  direction: 'SYS' | 'SYSL',
  encoding: number,
  Xt: bigint,
): SystemInstructionOutcome {
  const { EL } = pe.state;
  const instruction =
    direction === 'SYS' ? instructionsOf(pe.profile.model.features).get(encoding) : undefined;
  if (instruction === undefined) {
    pe.tellUnimplemented(`system instruction ${nameOf(direction, encoding)}`);
    return { kind: 'refused', code: unimplementedAccessCode(encoding, EL, pe.traps.active) };
  }
  const code = instructionAccessCode(instruction, EL, pe.traps.active);
  if (code !== ACCESS_ALLOWED) return { kind: 'refused', code };
  switch (instruction.kind) {
    case 'tlbi': {
      // Xt: VA[55:12] in bits 43:0. All others, ranges among them, take everything with them.
      const byAddress = /^VA/.test(instruction.name);
      const invalidate = (where: ProcessingElement): void => {
        if (byAddress) where.invalidateAddress(BigInt.asIntN(44, Xt) << 12n);
        else where.invalidateTranslations();
      };
      invalidate(pe);
      if (isBroadcast(pe, instruction)) pe.others?.broadcast(invalidate);
      return DONE;
    }
    case 'at':
      return addressTranslate(pe, instruction, Xt);
    case 'dc':
    case 'ic': {
      if (!/VA/.test(instruction.name)) return DONE;
      const fault = pe.memory.cacheMaintenanceFault(Xt, instruction.name === 'IVAC');
      return fault === undefined ? DONE : { kind: 'fault', fault };
    }
    default:
      throw new TypeError(`${instruction.kind} ${instruction.name} is listed but not implemented`);
  }
}

const HCR_FB = 1n << 9n;

/** Of the Inner or Outer Shareable domain, or made so by HCR_EL2.FB. */
function isBroadcast(pe: ProcessingElement, { name }: SystemInstruction): boolean {
  return (
    /[IO]S$/.test(name) || (pe.state.EL === 1 && (pe.registers.raw('HCR_EL2') & HCR_FB) !== 0n)
  );
}

function nameOf(direction: 'SYS' | 'SYSL', encoding: number): string {
  const { op1, CRn, CRm, op2 } = unpackEncoding(encoding);
  const alias = direction === 'SYS' ? systemInstruction(op1, CRn, CRm, op2) : undefined;
  return alias === undefined
    ? `${direction} ${genericName(encoding)}`
    : `${alias.kind.toUpperCase()} ${alias.name}`;
}

/**
 * AT: the result goes to PAR_EL1, faults included. Exceptions are what EL1 may not hear of, a stage 2
 * fault on the walk of stage 1, and synchronous external aborts on a walk (Arm ARM, AArch64.AT()).
 */
function addressTranslate(
  pe: ProcessingElement,
  { name }: SystemInstruction,
  va: bigint,
): SystemInstructionOutcome {
  const named = Number(/E([012])[RW]P?$/.exec(name)?.[1]) as ExceptionLevel;
  // In a host what is said of EL1 is meant for EL2.
  const EL = named === 1 && elIsInHost(pe.registers.raw('HCR_EL2'), 0) ? 2 : named;
  const access = /WP?$/.test(name) ? 'write' : 'read';
  const through = name.startsWith('S12') ? translate : translateFirstStage;
  // Only AT S1E1RP and S1E1WP ask what PSTATE.PAN lets through.
  const regime = pe.regime(EL);
  const PAN = name.endsWith('P') && regime.PAN;
  // Whether AT sets an Access flag is IMPLEMENTATION DEFINED: tables are looked at alone.
  const result = through({ ...regime, PAN }, pe.memory.peekedTables, va, access);
  if (result.kind === 'fault') {
    const hiddenFromEL1 = result.onWalk && !name.startsWith('S12') && pe.state.EL === 1;
    if (hiddenFromEL1 || isExternalAbortOnWalk(result)) {
      const fault = { ...abortFault(result, 'write', va), cacheMaintenance: true };
      return { kind: 'fault', fault };
    }
  }
  pe.registers.setRaw('PAR_EL1', encodePar(result));
  return DONE;
}
