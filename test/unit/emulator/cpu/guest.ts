/** A processor with a program in RAM, for tests that run guest code. */
import assert from 'node:assert/strict';
import { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import type { ExceptionRecord, PeEvent, ProcessorOptions } from '../../../../emulator/cpu/pe.ts';
import { SystemBus } from '../../../../emulator/devices/bus.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';

export const CODE = 0x4000_0000n;
export const DATA = 0x4001_0000n;
export const VECTORS = 0x4000_8000n;

export interface GuestOptions extends Partial<ProcessorOptions> {
  /** The EL that the program starts at. Default: startEL. */
  readonly EL?: 0 | 1 | 2;
}

/** The program stands at CODE; VBAR_ELx is VECTORS; DAIF is clear and OS Lock is unlocked. */
export function guest(words: readonly number[], options: GuestOptions = {}): ProcessingElement {
  const pe = new ProcessingElement({
    profile: v8_0,
    memory: [{ base: CODE, size: 0x20000 }],
    bus: new SystemBus(),
    startEL: 1,
    ...options,
  });
  place(pe, CODE, words);
  for (const name of ['VBAR_EL1', 'VBAR_EL2']) pe.registers.setRaw(name, VECTORS);
  pe.pokeRegister('OSLAR_EL1', 0n);
  pe.setPstate({
    NZCV: 0,
    DAIF: 0,
    SS: 0,
    IL: false,
    EL: options.EL ?? pe.startEL,
    SPSel: options.EL === 0 ? 0 : 1,
  });
  pe.state.SP = DATA;
  pe.state.PC = CODE;
  return pe;
}

export function place(pe: ProcessingElement, pa: bigint, words: readonly number[]): void {
  const bytes = new Uint8Array(Uint32Array.from(words).buffer);
  assert.ok(pe.engine.writePhysical(pa, bytes));
}

/** Runs to the next exception that is taken to a vector. */
export function untilException(pe: ProcessingElement, budget = 1000): ExceptionRecord {
  pe.exceptionHook = () => true;
  const event = untilEvent(pe, budget);
  if (event.kind === 'exceptionTaken') return event.exception;
  throw new assert.AssertionError({
    message: `no exception but ${event.kind} at 0x${pe.state.PC.toString(16)}`,
  });
}

export function untilEvent(pe: ProcessingElement, budget = 1000): PeEvent {
  return pe.run(budget);
}

/** Returns from the exception as a handler's ERET would, with SPSR and ELR changed first. */
export function eret(
  pe: ProcessingElement,
  changes: { readonly SPSR?: (value: bigint) => bigint; readonly ELR?: bigint } = {},
): void {
  const suffix = `EL${pe.state.EL}`;
  const SPSR = pe.registers.raw(`SPSR_${suffix}`);
  if (changes.SPSR !== undefined) pe.registers.setRaw(`SPSR_${suffix}`, changes.SPSR(SPSR));
  if (changes.ELR !== undefined) pe.registers.setRaw(`ELR_${suffix}`, changes.ELR);
  pe.exceptionReturn();
}

export const SPSR_D = 1n << 9n;
export const SPSR_SS = 1n << 21n;
export const MDSCR_SS = 1n << 0n;
export const MDSCR_TDCC = 1n << 12n;
export const MDSCR_KDE = 1n << 13n;
export const MDSCR_MDE = 1n << 15n;

export function hex(value: bigint | undefined): string {
  return value === undefined ? 'none' : `0x${value.toString(16)}`;
}

export function read64(pe: ProcessingElement, pa: bigint): bigint {
  const bytes = pe.engine.readPhysical(pa, 8);
  assert.ok(bytes);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
}
