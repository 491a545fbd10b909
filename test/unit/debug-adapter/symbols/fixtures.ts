/** The ELF fixtures of test/fixtures/symbols and what readelf and gdb said about them. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DebugInfo } from '../../../../debug-adapter/symbols/debug-info.ts';
import { parseElf } from '../../../../debug-adapter/symbols/elf.ts';
import type { EvaluationContext } from '../../../../debug-adapter/symbols/location.ts';
import type { UnwindResult } from '../../../../debug-adapter/symbols/cfi.ts';

const folder = new URL('../../../fixtures/symbols/', import.meta.url);

export const FIXTURES = ['gcc', 'clang'].flatMap((compiler) =>
  ['O0', 'O2', 'Os'].flatMap((level) =>
    [4, 5].map((version) => `sample-${compiler}-${level}-dwarf${version}`),
  ),
);

export function fixturePath(file: string): string {
  return fileURLToPath(new URL(file, folder));
}

export function fixtureBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(fixturePath(`${name}.elf`)));
}

export function fixtureInfo(name: string): DebugInfo {
  return new DebugInfo(parseElf(fixtureBytes(name), `${name}.elf`));
}

export function expectedText(name: string, extension: 'lines' | 'frames'): string[] {
  return readFileSync(fixturePath(`${name}.expected.${extension}`), 'utf8')
    .trimEnd()
    .split('\n');
}

export interface RecordedFrame {
  readonly function: string;
  readonly pc: string;
  readonly line: number;
  readonly inlined: boolean;
  readonly sp: string;
  readonly variables: Readonly<Record<string, string>>;
}

export interface RecordedStop {
  readonly frames: readonly RecordedFrame[];
  readonly registers: Readonly<Record<string, string>>;
  readonly memory: readonly { readonly address: string; readonly bytes: string }[];
  readonly expressions: Readonly<Record<string, string>>;
}

export function recordedStops(name: string): readonly RecordedStop[] {
  const path = fixturePath(`${name}.expected.json`);
  if (!existsSync(path)) throw new Error(`${path} is missing; run record.sh beside it`);
  return (JSON.parse(readFileSync(path, 'utf8')) as { stops: RecordedStop[] }).stops;
}

/** Guest memory as it was at a recorded stop; reads outside what was recorded fall back on the ELF. */
export function recordedMemory(
  info: DebugInfo,
  stop: RecordedStop,
): (address: bigint, length: number) => Uint8Array | undefined {
  const blocks = stop.memory.map(({ address, bytes }) => ({
    address: BigInt(address),
    bytes: new Uint8Array(Buffer.from(bytes, 'hex')),
  }));
  return (address, length) => {
    for (const block of blocks) {
      const offset = address - block.address;
      if (offset >= 0n && offset + BigInt(length) <= BigInt(block.bytes.length)) {
        return block.bytes.subarray(Number(offset), Number(offset) + length);
      }
    }
    return info.image.loadedBytes(address, length);
  };
}

export interface UnwoundFrame {
  /** The frame's own pc. */
  readonly pc: bigint;
  readonly sp: bigint;
  readonly evaluation: EvaluationContext;
}

/** Walks the stack of a recorded stop with the image's CFI only. */
export function unwindStop(info: DebugInfo, stop: RecordedStop, count: number): UnwoundFrame[] {
  const readMemory = recordedMemory(info, stop);
  let registers = new Map<number, bigint>();
  for (let i = 0; i <= 30; i++) registers.set(i, BigInt(stop.registers[`x${i}`] ?? '0'));
  registers.set(31, BigInt(stop.registers['sp'] ?? '0'));
  let pc = BigInt(stop.registers['pc'] ?? '0');
  let lookup = pc;
  const frames: UnwoundFrame[] = [];
  while (frames.length < count) {
    const current = registers;
    const at = lookup;
    const context = { register: (n: number) => current.get(n), readMemory };
    const evaluation: EvaluationContext = {
      ...context,
      pc: at,
      cfa: () => info.frames.cfa(at, context),
    };
    frames.push({ pc, sp: current.get(31) ?? 0n, evaluation });
    const result: UnwindResult | undefined = info.unwind(at, context);
    const callee = info.functionAt(at).at(-1)?.name;
    if (result === undefined || callee === 'main') break;
    registers = new Map(result.registers);
    pc = result.returnAddress;
    lookup = pc - 1n;
  }
  return frames;
}
