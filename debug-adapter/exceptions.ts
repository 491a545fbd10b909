/** Which exceptions stop the guest, and what is said about them. Arm ARM, "Exception model" and "ESR_EL1". */
import { byName } from '../emulator/sysregs/catalogue.ts';
import { extractField, fieldMeaning } from '../emulator/sysregs/sysreg.ts';
import type { DebuggedMachine, ExceptionRecord } from './machine.ts';
import { describeRegister, fieldsOf, formatFieldValue, hex } from './registers.ts';

export interface ExceptionFilter {
  readonly filter: string;
  readonly label: string;
  readonly description: string;
  readonly default: boolean;
  /** Undefined for the two that need to look at more than the record. */
  readonly matches?: (exception: ExceptionRecord) => boolean;
}

const EC_NAMES: ReadonlyMap<number, string> = new Map([
  [0x00, 'UNDEFINED instruction'],
  [0x01, 'WFI or WFE'],
  [0x07, 'FP/SIMD access'],
  [0x0e, 'Illegal execution state'],
  [0x15, 'SVC'],
  [0x16, 'HVC'],
  [0x17, 'SMC'],
  [0x18, 'MSR, MRS or system instruction'],
  [0x20, 'Instruction abort from a lower EL'],
  [0x21, 'Instruction abort'],
  [0x22, 'PC alignment fault'],
  [0x24, 'Data abort from a lower EL'],
  [0x25, 'Data abort'],
  [0x26, 'SP alignment fault'],
  [0x2c, 'Floating-point exception'],
  [0x2f, 'SError'],
  [0x30, 'Breakpoint from a lower EL'],
  [0x31, 'Breakpoint'],
  [0x32, 'Software step from a lower EL'],
  [0x33, 'Software step'],
  [0x34, 'Watchpoint from a lower EL'],
  [0x35, 'Watchpoint'],
  [0x3c, 'BRK'],
]);

const VECTOR_ORIGINS = [
  'current EL with SP_EL0',
  'current EL with SP_ELx',
  'lower EL, AArch64',
] as const;
const VECTOR_KINDS = ['Synchronous', 'IRQ', 'FIQ', 'SError'] as const;

export const NO_HANDLER = 'noHandler';
export const LOOP = 'loop';

function byClass(filter: string, label: string, codes: readonly number[]): ExceptionFilter {
  return {
    filter,
    label,
    description: `Stops at the vector, with ESR_ELx.EC = ${codes.map((it) => hex(BigInt(it))).join(' or ')}.`,
    default: false,
    matches: ({ kind, EC }) => kind === 'synchronous' && codes.includes(EC),
  };
}

/** Offset of the vector from VBAR_ELx, 0 to 0x780. */
export function vectorOffset({ vector }: ExceptionRecord): number {
  return Number(vector & 0x780n);
}

export const EXCEPTION_FILTERS: readonly ExceptionFilter[] = [
  {
    filter: NO_HANDLER,
    label: 'Exception with no handler',
    description:
      'VBAR_ELx points to nothing that can execute: the vector is not mapped, or holds zeros.',
    default: true,
  },
  {
    filter: LOOP,
    label: 'Exception loop',
    description: 'The same exception again and again, without progress between.',
    default: true,
  },
  byClass('undefined', 'UNDEFINED instruction', [0x00]),
  byClass('svc', 'SVC', [0x15]),
  byClass('hvc', 'HVC', [0x16]),
  byClass('smc', 'SMC', [0x17]),
  byClass('sysreg', 'Trapped MSR, MRS or system instruction', [0x18]),
  byClass('fp-access', 'Trapped FP/SIMD access', [0x07]),
  byClass('illegal-state', 'Illegal execution state', [0x0e]),
  byClass('instruction-abort', 'Instruction abort', [0x20, 0x21]),
  byClass('data-abort', 'Data abort', [0x24, 0x25]),
  byClass('pc-alignment', 'PC alignment fault', [0x22]),
  byClass('sp-alignment', 'SP alignment fault', [0x26]),
  byClass('fp-exception', 'Floating-point exception', [0x2c]),
  byClass('debug-breakpoint', 'Breakpoint of the guest itself', [0x30, 0x31]),
  byClass('debug-step', 'Software step of the guest itself', [0x32, 0x33]),
  byClass('debug-watchpoint', 'Watchpoint of the guest itself', [0x34, 0x35]),
  byClass('brk', 'BRK of the guest itself', [0x3c]),
  ...VECTOR_ORIGINS.flatMap((origin, row) =>
    VECTOR_KINDS.map((kind, column): ExceptionFilter => {
      const offset = row * 0x200 + column * 0x80;
      const name = `0x${offset.toString(16).padStart(3, '0')}`;
      return {
        filter: `vector-${name}`,
        label: `Vector ${name}: ${kind}, ${origin}`,
        description: `Stops at VBAR_ELx + ${name}.`,
        default: false,
        matches: (exception) => vectorOffset(exception) === offset,
      };
    }),
  ),
];

/** `SVC`, `IRQ`, `Data abort`. */
export function exceptionName({ kind, EC }: ExceptionRecord): string {
  if (kind !== 'synchronous') return kind;
  return EC_NAMES.get(EC) ?? `EC ${hex(BigInt(EC))}`;
}

/** The label of a stack frame: `exception EL1←EL0 SVC`. */
export function exceptionLabel(exception: ExceptionRecord): string {
  return `exception EL${exception.targetEL}←EL${exception.fromEL} ${exceptionName(exception)}`;
}

const ABORT_CLASSES = [0x20, 0x21, 0x24, 0x25, 0x34, 0x35];
const DATA_ABORT_CLASSES = [0x24, 0x25, 0x34, 0x35];

/** What happened, for a person: the event, then where, then what to look at. */
export function explainException(
  exception: ExceptionRecord,
  why: 'noHandler' | 'loop' | 'filter',
  describe: (address: bigint) => string,
): string {
  const { EC, ESR, FAR, ELR, fromEL, targetEL, vector } = exception;
  const lines: string[] = [];
  const taken = `taken from EL${fromEL} to EL${targetEL}`;
  const isReturnBehind = [0x15, 0x16, 0x17].includes(EC) && exception.kind === 'synchronous';
  const at = isReturnBehind ? ELR - 4n : ELR;
  lines.push(`${exceptionName(exception)} at ${describe(at)}, ${taken}.`);
  if (exception.kind === 'synchronous' && ABORT_CLASSES.includes(EC) && FAR !== undefined) {
    lines.push(explainAbort(exception, FAR));
  }
  if (exception.kind === 'synchronous' || exception.kind === 'SError') {
    lines.push(explainSyndrome(ESR, targetEL));
  }
  if (FAR !== undefined) lines.push(`FAR_EL${targetEL} = ${hex(FAR)} (${describe(FAR)})`);
  lines.push(
    `ELR_EL${targetEL} = ${hex(ELR)} (${describe(ELR)}), SPSR_EL${targetEL} = ${hex(exception.SPSR)}`,
  );
  switch (why) {
    case 'noHandler':
      lines.push(
        `The vector at ${hex(vector)} cannot handle it: nothing is mapped there, or it holds zeros. ` +
          `Set VBAR_EL${targetEL} to a vector table before anything can fault, or look at ${describe(at)} for the cause.`,
      );
      break;
    case 'loop':
      lines.push(
        `The same exception comes again and again, and nothing else happens: the handler at ${describe(vector)} ` +
          `faults itself, or returns without removing the cause. Look at the frame below the exception in the call stack.`,
      );
      break;
    case 'filter':
      lines.push(
        `The handler starts at ${describe(vector)}; the call stack goes on below the exception.`,
      );
      break;
  }
  return lines.join('\n');
}

function explainAbort({ EC, ESR }: ExceptionRecord, FAR: bigint): string {
  const isWrite = DATA_ABORT_CLASSES.includes(EC) && ((ESR >> 6n) & 1n) === 1n;
  const access = DATA_ABORT_CLASSES.includes(EC)
    ? isWrite
      ? 'A write to'
      : 'A read of'
    : 'A fetch from';
  if (EC === 0x34 || EC === 0x35) {
    return `${access} ${hex(FAR)} met one of the guest's own watchpoints.`;
  }
  const status = Number(ESR & 0x3fn);
  return `${access} ${hex(FAR)} was refused: ${faultName(status)}.`;
}

/** Arm ARM, ISS encoding for Data Abort, DFSC. */
function faultName(status: number): string {
  const level = `level ${status & 3}`;
  switch (status >> 2) {
    case 0b0000:
      return `address size fault, ${level}`;
    case 0b0001:
      return `translation fault, ${level}: the address is not mapped`;
    case 0b0010:
      return `access flag fault, ${level}`;
    case 0b0011:
      return `permission fault, ${level}`;
    default:
      break;
  }
  switch (status) {
    case 0b010000:
      return 'external abort: no memory or device answers at that address';
    case 0b100001:
      return 'alignment fault';
    case 0b100010:
      return 'debug event';
    case 0b110000:
      return 'TLB conflict';
    default:
      return `fault status ${hex(BigInt(status))}`;
  }
}

function explainSyndrome(ESR: bigint, targetEL: number): string {
  const info = describeRegister(`ESR_EL${targetEL}`);
  const fields = fieldsOf(info, ESR, () => undefined)
    .filter((it) => it.name !== 'ISS' || ESR !== 0n)
    .map((it) => `${it.name} = ${formatFieldValue(it, extractField(ESR, it))}`);
  const EC = byName(`ESR_EL${targetEL}`)?.fields.find(({ name }) => name === 'EC');
  const meaning = EC === undefined ? undefined : fieldMeaning(EC, extractField(ESR, EC));
  const what = meaning === undefined ? '' : ` (${meaning.meaning})`;
  return `ESR_EL${targetEL} = ${hex(ESR)}${what}${fields.length > 0 ? `: ${fields.join(', ')}` : ''}`;
}

/** What is remembered of an exception, so that a stack can be unwound across it. */
export interface TakenException {
  readonly record: ExceptionRecord;
  /** Of the interrupted program. */
  readonly SP: bigint;
  readonly X29: bigint;
  readonly X30: bigint;
}

const REMEMBERED = 64;
/** Exceptions at the vector itself, with nothing but the entry between them, that make a loop. */
const TIGHT_LOOP = 8;
const TIGHT_DISTANCE = 4n;
const VECTOR_BYTES = 0x80n;
/** Exceptions inside the handler of the same exception that make a loop. */
const NESTED_LOOP = 48;
/** The same abort after the handler has returned to the instruction. */
const RETRY_LOOP = 1000;

/** The last exceptions of one vCPU, and whether they go round in circles. */
export class ExceptionHistory {
  readonly #machine: DebuggedMachine;
  #taken: TakenException[] = [];
  #tight = 0;
  #nested = 0;
  #retries = 0;

  constructor(machine: DebuggedMachine) {
    this.#machine = machine;
  }

  /** Newest first. */
  get newestFirst(): readonly TakenException[] {
    return this.#taken.toReversed();
  }

  clear(): void {
    this.#taken = [];
    this.#tight = this.#nested = this.#retries = 0;
  }

  /** @returns true when this one closes a loop */
  add(record: ExceptionRecord): boolean {
    const taken = this.#capture(record);
    const previous = this.#taken.at(-1);
    this.#taken.push(taken);
    if (this.#taken.length > REMEMBERED) this.#taken.shift();
    return previous !== undefined && this.#closesLoop(previous, taken);
  }

  #capture(record: ExceptionRecord): TakenException {
    const vcpu = this.#machine.currentVcpu;
    const read = (name: string): bigint => this.#machine.readRegister(vcpu, name) ?? 0n;
    // SPSR.M[0] is PSTATE.SP of the interrupted program: which of its stack pointers it used.
    const bank = (record.SPSR & 1n) === 0n ? 0 : record.fromEL;
    const SP = bank === record.targetEL ? read('SP') : read(`SP_EL${bank}`);
    return { record, SP, X29: read('X29'), X30: read('X30') };
  }

  #closesLoop(previous: TakenException, now: TakenException): boolean {
    const a = previous.record;
    const b = now.record;
    const same = a.kind === b.kind && a.ELR === b.ELR && a.EC === b.EC && b.kind === 'synchronous';
    if (!same) {
      this.#tight = this.#nested = this.#retries = 0;
      return false;
    }
    // An SVC in a short loop looks the same, but does not come from the vector itself.
    const atVector = b.ELR >= b.vector && b.ELR < b.vector + VECTOR_BYTES;
    this.#tight = atVector && b.retired - a.retired <= TIGHT_DISTANCE ? this.#tight + 1 : 0;
    const stackGrows = b.fromEL === b.targetEL && now.SP < previous.SP;
    this.#nested = stackGrows ? this.#nested + 1 : 0;
    const retried = ABORT_CLASSES.includes(b.EC) && a.FAR === b.FAR;
    this.#retries = retried ? this.#retries + 1 : 0;
    return (
      (this.#tight >= TIGHT_LOOP && b.fromEL === b.targetEL) ||
      this.#nested >= NESTED_LOOP ||
      this.#retries >= RETRY_LOOP
    );
  }
}

/** Whether anything could execute at the vector. UDF #0, a word of zeros, is what unused memory holds. */
export function hasHandler(
  { vector }: ExceptionRecord,
  readInstruction: (address: bigint) => number | undefined,
): boolean {
  const word = readInstruction(vector);
  return word !== undefined && word !== 0;
}
