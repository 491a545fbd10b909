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
import { implementedInstructions } from '../sysregs/system-instructions.ts';
import { translate } from '../mmu/translate.ts';
import type { MemoryFault } from './memory-access.ts';
import type { ProcessingElement } from './pe.ts';
import type { ExceptionLevel } from './pstate.ts';

export type SystemInstructionOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly code: AccessCode }
  | { readonly kind: 'fault'; readonly fault: MemoryFault };

const DONE: SystemInstructionOutcome = { kind: 'done' };
const PAR_F = 1n;
const PAR_RES1 = 1n << 11n;

/** `encoding` is packed with op0 = 1; `Xt` the argument. */
export function executeSystemInstruction(
  pe: ProcessingElement,
  direction: 'SYS' | 'SYSL',
  encoding: number,
  Xt: bigint,
): SystemInstructionOutcome {
  const { EL } = pe.state;
  const instruction = direction === 'SYS' ? implementedInstructions.get(encoding) : undefined;
  if (instruction === undefined) {
    pe.tellUnimplemented(`system instruction ${nameOf(direction, encoding)}`);
    return { kind: 'refused', code: unimplementedAccessCode(encoding, EL, pe.traps.active) };
  }
  const code = instructionAccessCode(instruction, EL, pe.traps.active);
  if (code !== ACCESS_ALLOWED) return { kind: 'refused', code };
  switch (instruction.kind) {
    case 'tlbi':
      pe.invalidateTranslations();
      return DONE;
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

function nameOf(direction: 'SYS' | 'SYSL', encoding: number): string {
  const { op1, CRn, CRm, op2 } = unpackEncoding(encoding);
  const alias = direction === 'SYS' ? systemInstruction(op1, CRn, CRm, op2) : undefined;
  return alias === undefined
    ? `${direction} ${genericName(encoding)}`
    : `${alias.kind.toUpperCase()} ${alias.name}`;
}

/** AT: the result goes to PAR_EL1. */
function addressTranslate(
  pe: ProcessingElement,
  { name }: SystemInstruction,
  va: bigint,
): SystemInstructionOutcome {
  const EL = Number(/E([012])[RW]$/.exec(name)?.[1]) as ExceptionLevel;
  const result = translate(pe.regime(EL), va, name.endsWith('W') ? 'write' : 'read');
  switch (result.kind) {
    case 'unimplemented':
      return { kind: 'fault', fault: result };
    case 'fault':
      pe.registers.setRaw('PAR_EL1', PAR_F | (BigInt(result.FSC) << 1n) | PAR_RES1);
      return DONE;
    case 'mapped': {
      const OUTER_SHAREABLE = 0b10n << 7n;
      // MAIR encodings: Device-nGnRnE, and Normal Write-Back Non-transient.
      const ATTR = result.memory === 'Normal' ? 0xffn : 0n;
      const page = result.PA & 0xffff_ffff_f000n;
      pe.registers.setRaw('PAR_EL1', (ATTR << 56n) | page | PAR_RES1 | OUTER_SHAREABLE);
      return DONE;
    }
  }
}
