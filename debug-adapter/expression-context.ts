/** What expressions see: a frame of the stopped guest, or the running guest at a breakpoint's address. */
import type { Places } from './breakpoints/expressions.ts';
import { notWritable } from './errors.ts';
import type { RegisterHandle } from './expressions/context.ts';
import { DebugInfoContext } from './expressions/debug-info-context.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { DebuggedMachine } from './machine.ts';
import {
  canonicalRegisterName,
  currentEL,
  describeRegister,
  dwarfRegisterName,
  fieldsOf,
} from './registers.ts';
import { frameAddress } from './stack/unwind.ts';
import type { DebugInfo } from './symbols/debug-info.ts';
import type { EntryValueOf, EvaluationContext } from './symbols/location.ts';

export interface ContextGuest {
  readonly machine: DebuggedMachine;
  readonly memory: GuestMemory;
  readonly debugInfo: DebugInfo;
}

/** A frame to evaluate in. */
export interface EvaluationFrame {
  /** For a caller's frame the return address. */
  readonly pc: bigint;
  readonly lookupPc: bigint;
  /** 0 is the innermost of the inlined copies at the pc. */
  readonly inlineDepth: number;
  /** The frame whose registers are the processor's. */
  readonly isInnermost: boolean;
  register(number: number): bigint | undefined;
  /** The same for the locations of variables, as in MachineFrame. */
  locationRegister(number: number): bigint | undefined;
  cfa(): bigint | undefined;
  /** The frame that called this one; for values on entry. */
  caller(): EvaluationFrame | undefined;
}

/** The processor as it is at the moment of each evaluation, stopped at `address`. */
export function liveFrame(guest: ContextGuest, address: bigint | undefined): EvaluationFrame {
  const { machine } = guest;
  const register = (number: number): bigint | undefined => {
    const name = dwarfRegisterName(number);
    return name === undefined ? undefined : machine.readRegister(machine.currentVcpu, name);
  };
  const pc = (): bigint => machine.readRegister(machine.currentVcpu, 'PC') ?? 0n;
  return {
    get pc() {
      return address ?? pc();
    },
    get lookupPc() {
      return address ?? pc();
    },
    inlineDepth: 0,
    isInnermost: true,
    register,
    locationRegister: register,
    cfa() {
      const { debugInfo, memory } = guest;
      const at = address ?? pc();
      const readMemory = (from: bigint, length: number): Uint8Array | undefined =>
        memory.readExactly(from, length);
      return (
        debugInfo.frames.cfa(at, { register, readMemory }) ??
        frameAddress(
          { debugInfo, readInstruction: (from) => memory.readInstruction(from) },
          at,
          register,
        )
      );
    },
    caller: () => undefined,
  };
}

/** The scopes of the running guest, wherever it is. */
export function livePlaces(guest: ContextGuest): Places {
  const { machine } = guest;
  return {
    pc: () => machine.readRegister(machine.currentVcpu, 'PC') ?? 0n,
    scopeAt: (pc) => createExpressionContext(guest, liveFrame(guest, pc)),
  };
}

export function createExpressionContext(
  guest: ContextGuest,
  frame: EvaluationFrame,
): DebugInfoContext {
  const { debugInfo, machine, memory } = guest;
  return new DebugInfoContext(debugInfo, {
    evaluation: evaluationContext(guest, frame),
    inlineDepth: frame.inlineDepth,
    register: (name) => registerHandle(machine, frame, name),
    writeMemory: (address, bytes) => memory.write(address, bytes) === bytes.length,
    writeRegister(number, value) {
      const name = dwarfRegisterName(number);
      if (name === undefined || !frame.isInnermost) return false;
      return machine.writeRegister(machine.currentVcpu, name, value) === undefined;
    },
  });
}

/** Values on entry that refer to values on entry of the caller, and so on; recursion makes such chains long. */
const DEEPEST_ENTRY_VALUE = 32;

function evaluationContext(
  guest: ContextGuest,
  frame: EvaluationFrame,
  depth = 0,
): EvaluationContext {
  const { machine, memory } = guest;
  return {
    get pc() {
      return frame.lookupPc;
    },
    register: (number) => frame.locationRegister(number),
    readMemory: (address, length) => memory.readExactly(address, length),
    cfa: () => frame.cfa(),
    threadPointer() {
      const el = currentEL(machine);
      return machine.readRegister(machine.currentVcpu, `TPIDR_EL${el}`);
    },
    entryValue: (of) =>
      depth < DEEPEST_ENTRY_VALUE ? entryValue(guest, frame, of, depth + 1) : undefined,
  };
}

/** What was passed on entry, as the call site in the caller tells it (DWARF 5, 3.4). */
function entryValue(
  guest: ContextGuest,
  frame: EvaluationFrame,
  of: EntryValueOf,
  depth: number,
): bigint | undefined {
  const { debugInfo } = guest;
  const caller = frame.caller();
  const callee = debugInfo.functionAt(frame.lookupPc).at(-1);
  if (caller === undefined || callee === undefined) return undefined;
  return debugInfo.entryValue(caller.pc, evaluationContext(guest, caller, depth), callee.lowPc, of);
}

function registerHandle(
  machine: DebuggedMachine,
  frame: EvaluationFrame,
  name: string,
): RegisterHandle | undefined {
  if (name.startsWith('@')) return machineFact(machine, frame, name.slice(1));
  const part = /^([whsdqb])([12]?\d|3[01])$/i.exec(name);
  if (part?.[1] !== undefined)
    return partHandle(machine, frame, part[1].toLowerCase(), Number(part[2]));
  const canonical = canonicalRegisterName(name);
  if (canonical === undefined) return undefined;
  const info = describeRegister(canonical);
  const number = dwarfNumber(canonical);
  const read = (): bigint | undefined =>
    number === undefined || frame.isInnermost
      ? machine.readRegister(machine.currentVcpu, canonical)
      : frame.register(number);
  const writable = info.writable && (number === undefined || frame.isInnermost);
  const fields = fieldsOf(info, read() ?? 0n, (other) =>
    machine.readRegister(machine.currentVcpu, other),
  );
  return {
    name: canonical,
    byteSize: info.width === 128 ? 16 : 8,
    kind:
      info.width === 128
        ? 'vector'
        : canonical === 'PC'
          ? 'code'
          : canonical === 'SP'
            ? 'data'
            : 'unsigned',
    read,
    ...(writable && {
      write: (value: bigint) => {
        writeRegister(machine, canonical, value);
      },
    }),
    ...(fields.length > 0 && {
      fields: fields.map(({ name: of, msb, lsb }) => ({ name: of, lsb, width: msb - lsb + 1 })),
    }),
  };
}

/** @throws UserError with the machine's reason */
export function writeRegister(machine: DebuggedMachine, name: string, value: bigint): void {
  const refused = machine.writeRegister(machine.currentVcpu, name, value);
  if (refused !== undefined) throw notWritable(name, refused);
}

/** W, B, H, S, D and Q registers: parts of X and V. */
function partHandle(
  machine: DebuggedMachine,
  frame: EvaluationFrame,
  letter: string,
  number: number,
): RegisterHandle | undefined {
  if (letter === 'w' && number > 30) return undefined;
  const whole = letter === 'w' ? `X${number}` : `V${number}`;
  const byteSize = ({ b: 1, h: 2, w: 4, s: 4, d: 8, q: 16 } as const)[letter];
  if (byteSize === undefined) return undefined;
  const dwarf = dwarfNumber(whole);
  return {
    name: `${letter}${number}`,
    byteSize,
    kind: letter === 'q' ? 'vector' : letter === 's' || letter === 'd' ? 'float' : 'unsigned',
    read() {
      const value = frame.isInnermost
        ? machine.readRegister(machine.currentVcpu, whole)
        : dwarf === undefined
          ? undefined
          : frame.register(dwarf);
      return value === undefined ? undefined : BigInt.asUintN(byteSize * 8, value);
    },
    // A write to a part zeroes the rest, as the processor does.
    ...(frame.isInnermost && {
      write: (value: bigint) => {
        writeRegister(machine, whole, BigInt.asUintN(byteSize * 8, value));
      },
    }),
  };
}

function machineFact(
  machine: DebuggedMachine,
  frame: EvaluationFrame,
  name: string,
): RegisterHandle | undefined {
  const facts: Readonly<Record<string, () => bigint>> = {
    cpu: () => BigInt(machine.currentVcpu),
    el: () => BigInt(currentEL(machine)),
    pc: () => frame.lookupPc,
    time: () => machine.virtualNanoseconds,
    retired: () => machine.retired,
  };
  const read = Object.hasOwn(facts, name) ? facts[name] : undefined;
  return read === undefined ? undefined : { name: `@${name}`, byteSize: 8, kind: 'unsigned', read };
}

function dwarfNumber(name: string): number | undefined {
  if (name === 'SP') return 31;
  if (name === 'PC') return 32;
  const match = /^([XV])(\d+)$/.exec(name);
  if (match === null) return undefined;
  return Number(match[2]) + (match[1] === 'V' ? 64 : 0);
}
