/**
 * Data accesses and instruction fetches that the engine cannot make on its own: translation, the
 * alignment rules of the memory type, watchpoints, devices, and filling the TLB for the next time.
 *
 * The order of the checks is the Arm ARM's: alignment that does not depend on the memory type,
 * translation with its faults, watchpoints, external aborts.
 */
import type { ExceptionLevel } from '../engine/cpu-state.ts';
import type { Engine, TableWalk } from '../engine/engine.ts';
import { ACCESS_ALIGNED, ACCESS_UNPRIVILEGED, ACCESS_ZERO_BLOCK } from '../engine/layout.ts';
import type { TranslationFault } from '../mmu/fault.ts';
import { READ, WRITE } from '../mmu/permissions.ts';
import { tableWalk } from '../mmu/table-walk.ts';
import { branchAddress, topByteIgnored } from '../mmu/regime.ts';
import type { TranslationRegime } from '../mmu/regime.ts';
import { translate } from '../mmu/translate.ts';
import type { Mapping } from '../mmu/translate.ts';
import type { DebugUnit } from './debug/debug-unit.ts';
import type { IdentifiedWatchpoint, MachineWatchpoints } from './machine-stops.ts';
import { FSC_ALIGNMENT, FSC_EXTERNAL_ABORT } from './syndrome.ts';
import { TableMemory } from './table-memory.ts';

/** What lies outside RAM. `undefined` and `false` are external aborts. */
export interface Bus {
  read(pa: bigint, size: 1 | 2 | 4 | 8): bigint | undefined;
  write(pa: bigint, size: 1 | 2 | 4 | 8, value: bigint): boolean;
  /** As `read`, without side effects. */
  peek(pa: bigint, size: 1 | 2 | 4 | 8): bigint | undefined;
}

/** Why an access was not made. */
export type MemoryFault =
  | {
      readonly kind: 'abort';
      readonly access: 'read' | 'write' | 'execute';
      readonly FSC: number;
      readonly FAR: bigint;
      /** Stage 2 refused, so EL2 hears of it; `onWalk` when it was the address of a stage 1 descriptor. */
      readonly stage2?: { readonly IPA: bigint; readonly onWalk: boolean } | undefined;
      /** By a DC or IC instruction: ESR_ELx.CM. */
      readonly cacheMaintenance?: boolean;
    }
  | {
      readonly kind: 'watchpoint';
      /** Where the processor tells it. */
      readonly n?: number | undefined;
      readonly FAR: bigint;
      readonly isWrite: boolean;
      readonly cacheMaintenance?: boolean;
    }
  | {
      readonly kind: 'machineWatchpoint';
      readonly watchpoint: IdentifiedWatchpoint;
      readonly address: bigint;
      readonly size: number;
      readonly isWrite: boolean;
    }
  /** Not a fault: a device is accessed, which has to happen alone. */
  | { readonly kind: 'device' }
  /** Not a fault: PC has a tag where the top byte is ignored, and goes on without it. */
  | { readonly kind: 'taggedPC'; readonly address: bigint };

export interface MemoryAccessHost {
  readonly engine: Engine;
  readonly bus: Bus;
  readonly debug: DebugUnit;
  readonly machineWatchpoints: MachineWatchpoints;
  /** Unaligned accesses to Device memory are made instead of faulting. */
  readonly allowUnalignedDevice: boolean;
  readonly EL: ExceptionLevel;
  regime(EL: ExceptionLevel): TranslationRegime;
  /** SCTLR_ELx.A of the regime that EL uses. */
  alignmentChecked(EL: ExceptionLevel): boolean;
}

const PAGE_BYTES = 4096;
/** CTR_EL0.DminLine. */
const CACHE_LINE_BYTES = 64;
const PAGE_MASK = 0xfffn;

interface Piece {
  readonly PA: bigint;
  readonly mapping: Mapping;
  readonly length: number;
}

type DeviceSize = 1 | 2 | 4 | 8;

export class MemoryAccess {
  readonly #host: MemoryAccessHost;
  /** What a walk made for an instruction reads its tables with. */
  readonly tables: TableMemory;
  /** What looks at tables without effects. */
  readonly peekedTables: TableMemory;
  #fault: MemoryFault | undefined;
  /** The debugger's watchpoints do not stop the instruction being executed: it was reported already. */
  ignoreMachineWatchpoints = false;
  /**
   * One instruction is being executed. Devices are accessed by such only, so that they see the time and
   * the PC of the access, and what they do to the interrupt lines is seen before the next instruction.
   */
  devicesAnswer = false;
  /** Hears of every access while it is set: no access takes the engine's fast path then. */
  accessed: (() => void) | undefined;

  constructor(host: MemoryAccessHost) {
    this.#host = host;
    this.tables = new TableMemory(host.engine, host.bus, 'read');
    this.peekedTables = new TableMemory(host.engine, host.bus, 'peek');
  }

  /** Forgets what the TLBs have for one VA; false when only forgetting everything will do. */
  invalidateAddress(va: bigint): boolean {
    const { engine } = this.#host;
    if (engine.mayBeLarge(va)) return false;
    engine.flushPage(va);
    return true;
  }

  /** The TLBs are empty. */
  translationsFlushed(): void {
    this.#host.engine.forgetMappings();
  }

  /** The fault behind the engine's HOST_FAULT exit. */
  takeFault(): MemoryFault {
    const fault = this.#fault;
    if (fault === undefined) throw new TypeError('the engine reports a fault that nobody recorded');
    this.#fault = undefined;
    return fault;
  }

  /** Whether the engine left because a device is accessed; that is no fault, and forgotten. */
  takeDeviceAccess(): boolean {
    if (this.#fault?.kind !== 'device') return false;
    this.#fault = undefined;
    return true;
  }

  /** The instruction has not executed, because the debugger's watchpoint comes first. */
  get stopsForDebugger(): boolean {
    return this.#fault?.kind === 'machineWatchpoint';
  }

  #refuse(fault: MemoryFault): -1 {
    this.#fault = fault;
    return -1;
  }

  /** EngineHost.fetchPage */
  fetchPage(va: bigint): bigint {
    const mapping = this.#fetch(va);
    if (mapping.kind !== 'mapped') {
      this.#refuse(mapping);
      return -1n;
    }
    this.#host.engine.addMapping(va, mapping.sizeBits);
    return (mapping.PA & ~PAGE_MASK) | (mapping.global ? 0n : 1n) | (mapping.guarded ? 2n : 0n);
  }

  /** Whether the instruction at `va` is in a guarded page (FEAT_BTI). */
  isGuarded(va: bigint): boolean {
    const mapping = this.#fetch(va);
    return mapping.kind === 'mapped' && mapping.guarded;
  }

  /** Why the instruction at `va` cannot be fetched, or undefined. */
  fetchFault(va: bigint): MemoryFault | undefined {
    const mapping = this.#fetch(va);
    return mapping.kind === 'mapped' ? undefined : mapping;
  }

  #fetch(va: bigint): Mapping | MemoryFault {
    const { EL, engine } = this.#host;
    const regime = this.#host.regime(EL);
    const address = branchAddress(regime, va);
    if (address !== va) return { kind: 'taggedPC', address };
    const result = translate(regime, this.tables, va, 'execute');
    if (result.kind === 'fault') return abortFault(result, 'execute', va);
    if (engine.ram.hostAddress(result.PA) !== undefined) return result;
    return { kind: 'abort', access: 'execute', FSC: FSC_EXTERNAL_ABORT, FAR: va };
  }

  /** EngineHost.tableWalk: the host has to see every access that something depends on. */
  tableWalk(EL: ExceptionLevel): TableWalk | undefined {
    const { debug, machineWatchpoints } = this.#host;
    const isWatched = debug.watchedRanges.length > 0 || !machineWatchpoints.isEmpty;
    if (isWatched || this.accessed !== undefined || this.#host.alignmentChecked(EL))
      return undefined;
    return tableWalk(this.#host.regime(EL));
  }

  /** EngineHost.readMemory */
  read(va: bigint, size: number, flags: number, element: number): number {
    const host = this.#read(va, size, flags, element);
    if (host !== -1) this.accessed?.();
    return host;
  }

  /** EngineHost.writeMemory */
  write(va: bigint, size: number, flags: number, element: number): number {
    const stored = this.#write(va, size, flags, element);
    if (stored !== -1) this.accessed?.();
    return stored;
  }

  #read(va: bigint, size: number, flags: number, element: number): number {
    const pieces = this.#prepare(va, size, flags, element, 'read');
    if (pieces === undefined) return -1;
    const { engine } = this.#host;
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) {
      const host = engine.ram.hostAddress(only.PA);
      if (host !== undefined) return host;
    }
    if (this.#hasToWait(pieces)) return this.#refuse({ kind: 'device' });
    const buffer = engine.bounceBytes(size);
    const aborted = this.#readPieces(pieces, buffer, element);
    return aborted === undefined ? engine.bounce : this.#externalAbort(va + aborted, 'read');
  }

  #write(va: bigint, size: number, flags: number, element: number): number {
    const pieces = this.#prepare(va, size, flags, element, 'write');
    if (pieces === undefined) return -1;
    if (this.#hasToWait(pieces)) return this.#refuse({ kind: 'device' });
    const bytes = this.#host.engine.storeBytes(size);
    const aborted = this.#writePieces(pieces, bytes, element);
    return aborted === undefined ? 0 : this.#externalAbort(va + aborted, 'write');
  }

  #hasToWait(pieces: readonly Piece[]): boolean {
    if (this.devicesAnswer) return false;
    const { ram } = this.#host.engine;
    return pieces.some(({ PA }) => ram.hostAddress(PA) === undefined);
  }

  #externalAbort(va: bigint, access: 'read' | 'write'): -1 {
    const FAR = BigInt.asUintN(64, va);
    return this.#refuse({ kind: 'abort', access, FSC: FSC_EXTERNAL_ABORT, FAR });
  }

  /** All checks of one access; undefined after recording a fault. */
  #prepare(
    va: bigint,
    size: number,
    flags: number,
    element: number,
    access: 'read' | 'write',
  ): readonly Piece[] | undefined {
    const host = this.#host;
    const EL = host.debug.accessEL((flags & ACCESS_UNPRIVILEGED) !== 0);
    const isAligned = (va & BigInt(element - 1)) === 0n;
    const mustBeAligned = (flags & ACCESS_ALIGNED) !== 0 || host.alignmentChecked(EL);
    const isZeroBlock = (flags & ACCESS_ZERO_BLOCK) !== 0;
    if (!isAligned && mustBeAligned) {
      this.#alignmentFault(va, access);
      return undefined;
    }

    const regime = host.regime(EL);
    // Device memory allows neither unaligned accesses nor DC ZVA.
    const isUnaligned = !host.allowUnalignedDevice && (!isAligned || isZeroBlock);
    const pieces: Piece[] = [];
    for (let done = 0; done < size;) {
      const at = BigInt.asUintN(64, va + BigInt(done));
      const length = Math.min(size - done, PAGE_BYTES - Number(at & PAGE_MASK));
      const mapping = translate(regime, this.tables, at, access, isUnaligned);
      if (mapping.kind === 'fault') {
        this.#refuse(abortFault(mapping, access, mapping.FSC === FSC_ALIGNMENT ? va : at));
        return undefined;
      }
      pieces.push({ PA: mapping.PA, mapping, length });
      done += length;
    }
    if (this.#watchpointHit(va, size, EL, access === 'write', regime)) return undefined;
    const [first] = pieces;
    if (pieces.length === 1 && first !== undefined) this.#fillTlb(EL, va, first, regime);
    return pieces;
  }

  #alignmentFault(va: bigint, access: 'read' | 'write'): void {
    this.#refuse({ kind: 'abort', access, FSC: FSC_ALIGNMENT, FAR: va });
  }

  #watchpointHit(
    va: bigint,
    size: number,
    EL: ExceptionLevel,
    isWrite: boolean,
    regime: TranslationRegime,
  ): boolean {
    const { debug, machineWatchpoints } = this.#host;
    if (!this.ignoreMachineWatchpoints) {
      const watchpoint = machineWatchpoints.hit(va, size, isWrite);
      if (watchpoint !== undefined) {
        this.#refuse({ kind: 'machineWatchpoint', watchpoint, address: va, size, isWrite });
        return true;
      }
    }
    const hit = debug.watchpointFor({ address: va, size, isWrite, EL }, topByteIgnored(regime, va));
    if (hit === undefined) return false;
    const FAR = BigInt.asUintN(64, va + BigInt(hit.offset));
    this.#refuse({ kind: 'watchpoint', n: hit.n, FAR, isWrite });
    return true;
  }

  #fillTlb(EL: ExceptionLevel, va: bigint, piece: Piece, regime: TranslationRegime): void {
    const { engine, allowUnalignedDevice } = this.#host;
    const { memory, permissions, sizeBits, global } = piece.mapping;
    const PA = piece.PA & ~PAGE_MASK;
    if (this.accessed !== undefined || engine.ram.hostAddress(PA) === undefined) return;
    const page = va & ~PAGE_MASK;
    const readable = (permissions & READ) !== 0;
    const writable = (permissions & WRITE) !== 0;
    const watched = this.#watchedInPage(page, topByteIgnored(regime, va));
    engine.installTlb(EL, page, PA, {
      read: readable && watched?.reads !== true,
      write: writable && watched?.writes !== true,
      unaligned: !this.#host.alignmentChecked(EL) && (memory === 'Normal' || allowUnalignedDevice),
      notGlobal: !global,
      watched: watched && {
        low: watched.low,
        high: watched.high,
        reads: readable && watched.reads,
        writes: writable && watched.writes,
      },
    });
    engine.addMapping(va, sizeBits);
  }

  /** The part of a page that watchpoints of either direction cover, as offsets, and the directions. */
  #watchedInPage(
    page: bigint,
    ignoreTop: boolean,
  ): { low: number; high: number; reads: boolean; writes: boolean } | undefined {
    const { debug, machineWatchpoints } = this.#host;
    const significant = (value: bigint): bigint => (ignoreTop ? BigInt.asUintN(56, value) : value);
    const base = significant(page);
    let found: { low: number; high: number; reads: boolean; writes: boolean } | undefined;
    const add = (start: bigint, end: bigint, reads: boolean, writes: boolean): void => {
      if (start >= base + BigInt(PAGE_BYTES) || end <= base) return;
      const low = start < base ? 0 : Number(start - base);
      const high = end > base + BigInt(PAGE_BYTES) ? PAGE_BYTES : Number(end - base);
      found = {
        low: Math.min(found?.low ?? low, low),
        high: Math.max(found?.high ?? high, high),
        reads: reads || found?.reads === true,
        writes: writes || found?.writes === true,
      };
    };
    for (const { start, end, reads, writes } of debug.watchedRanges) {
      const from = significant(start);
      add(from, from + (end - start), reads, writes);
    }
    for (const { address, length, access } of machineWatchpoints.all) {
      // The debugger's addresses are compared in full, tag included.
      const from = address - page + base;
      add(from, from + BigInt(length), access !== 'write', access !== 'read');
    }
    return found;
  }

  /** The offset of the first piece that nothing answers for, or undefined. */
  #readPieces(pieces: readonly Piece[], buffer: Uint8Array, element: number): bigint | undefined {
    let done = 0;
    for (const { PA, length } of pieces) {
      const view = this.#host.engine.ram.view(PA, length);
      if (view !== undefined) buffer.set(view, done);
      else {
        for (const [offset, size] of deviceAccesses(PA, length, element)) {
          const value = this.#host.bus.read(PA + BigInt(offset), size);
          if (value === undefined) return BigInt(done);
          storeLittleEndian(buffer, done + offset, size, value);
        }
      }
      done += length;
    }
    return undefined;
  }

  /** As `#readPieces`. */
  #writePieces(pieces: readonly Piece[], bytes: Uint8Array, element: number): bigint | undefined {
    let done = 0;
    for (const { PA, length } of pieces) {
      const part = bytes.subarray(done, done + length);
      if (!this.#host.engine.writePhysical(PA, part)) {
        for (const [offset, size] of deviceAccesses(PA, length, element)) {
          const value = loadLittleEndian(part, offset, size);
          if (!this.#host.bus.write(PA + BigInt(offset), size, value)) return BigInt(done);
        }
      }
      done += length;
    }
    return undefined;
  }

  /**
   * Why a DC or IC instruction by VA does not complete. DC IVAC (`isInvalidate`) counts as a store
   * of the cache line for watchpoints; the others are never watched.
   */
  cacheMaintenanceFault(va: bigint, isInvalidate: boolean): MemoryFault | undefined {
    const { EL, debug } = this.#host;
    const regime = { ...this.#host.regime(EL), PAN: false };
    const result = translate(regime, this.tables, va, isInvalidate ? 'write' : 'maintain');
    const cacheMaintenance = true;
    if (result.kind === 'fault') return { ...abortFault(result, 'write', va), cacheMaintenance };
    if (!isInvalidate) return undefined;
    const address = va & ~BigInt(CACHE_LINE_BYTES - 1);
    const access = { address, size: CACHE_LINE_BYTES, isWrite: true, EL };
    const hit = debug.watchpointFor(access, topByteIgnored(regime, va));
    if (hit === undefined) return undefined;
    const FAR = address + BigInt(hit.offset);
    return { kind: 'watchpoint', n: hit.n, FAR, isWrite: true, cacheMaintenance };
  }

  // -- the debugger's view: no faults recorded, no watchpoints, no side effects

  #peekTranslation(va: bigint): Mapping | TranslationFault {
    return translate(this.#host.regime(this.#host.EL), this.peekedTables, va, 'debug');
  }

  /** As many bytes from `va` as are mapped to RAM or a device, up to `length`; permissions do not matter. */
  peek(va: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const at = BigInt.asUintN(64, va + BigInt(done));
      const count = Math.min(length - done, PAGE_BYTES - Number(at & PAGE_MASK));
      const result = this.#peekTranslation(at);
      if (result.kind !== 'mapped') break;
      const read = this.peekPhysical(result.PA, count);
      bytes.set(read, done);
      done += read.length;
      if (read.length < count) break;
    }
    return bytes.subarray(0, done);
  }

  /** As many bytes from a physical address as RAM or a device answers for. */
  peekPhysical(PA: bigint, length: number): Uint8Array {
    const ram = this.#host.engine.readPhysical(PA, length);
    if (ram !== undefined) return ram;
    const bytes = new Uint8Array(length);
    for (const [offset, size] of deviceAccesses(PA, length, 4)) {
      const value = this.#host.bus.peek(PA + BigInt(offset), size);
      if (value === undefined) return bytes.subarray(0, offset);
      storeLittleEndian(bytes, offset, size, value);
    }
    return bytes;
  }

  /** Writes RAM through the current translation; false when a byte is not in RAM, nothing is written then. */
  poke(va: bigint, bytes: Uint8Array): boolean {
    const { engine } = this.#host;
    const parts: { PA: bigint; part: Uint8Array }[] = [];
    for (let done = 0; done < bytes.length;) {
      const at = BigInt.asUintN(64, va + BigInt(done));
      const count = Math.min(bytes.length - done, PAGE_BYTES - Number(at & PAGE_MASK));
      const result = this.#peekTranslation(at);
      if (result.kind !== 'mapped') return false;
      if (engine.ram.view(result.PA, count) === undefined) return false;
      parts.push({ PA: result.PA, part: bytes.subarray(done, done + count) });
      done += count;
    }
    for (const { PA, part } of parts) engine.writePhysical(PA, part);
    return true;
  }
}

/** A fault of translation as the fault of an access. */
export function abortFault(
  { FSC, stage, IPA = 0n, onWalk }: TranslationFault,
  access: 'read' | 'write' | 'execute',
  FAR: bigint,
): Extract<MemoryFault, { kind: 'abort' }> {
  return { kind: 'abort', access, FSC, FAR, stage2: stage === 2 ? { IPA, onWalk } : undefined };
}

/** Splits a range into naturally aligned accesses of at most the element's size and 8 bytes. */
function* deviceAccesses(
  PA: bigint,
  length: number,
  element: number,
): Generator<readonly [offset: number, size: DeviceSize]> {
  for (let offset = 0; offset < length;) {
    const misalignment = Number((PA + BigInt(offset)) & 7n);
    let size: DeviceSize = 8;
    while (size > 1 && (size > element || size > length - offset || misalignment % size !== 0)) {
      size = (size / 2) as DeviceSize;
    }
    yield [offset, size];
    offset += size;
  }
}

function storeLittleEndian(buffer: Uint8Array, at: number, size: number, value: bigint): void {
  for (let index = 0; index < size; index += 1) {
    buffer[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
  }
}

function loadLittleEndian(buffer: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let index = size - 1; index >= 0; index -= 1) {
    value = (value << 8n) | BigInt(buffer[at + index] ?? 0);
  }
  return value;
}
