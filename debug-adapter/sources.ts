/** Source files: those found on this computer, and virtual ones for code that has none. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { findSources, normalizePath, baseName, type SourceSearch } from './source-paths.ts';
import type { DebugInfo } from './symbols/debug-info.ts';
import type { ElfSymbol } from './symbols/elf.ts';

/** A listing of the code around a symbol, for frames without a source line. */
export interface VirtualSource {
  readonly reference: number;
  readonly name: string;
  readonly symbol: ElfSymbol;
  /** First address past the listing. */
  readonly end: bigint;
}

/** Longest listing, in bytes of code. */
const LONGEST_LISTING = 0x4000n;

export class Sources {
  readonly #debugInfo: DebugInfo;
  /** File on this computer by the path in the debug information. */
  readonly #found: ReadonlyMap<string, string>;
  /** Paths in the debug information by the file on this computer. */
  readonly #recorded = new Map<string, string[]>();
  readonly #virtual: VirtualSource[] = [];

  private constructor(debugInfo: DebugInfo, found: ReadonlyMap<string, string>) {
    this.#debugInfo = debugInfo;
    this.#found = found;
    for (const [recorded, path] of found) {
      const key = comparable(path);
      const list = this.#recorded.get(key);
      if (list === undefined) this.#recorded.set(key, [recorded]);
      else list.push(recorded);
    }
  }

  static async load(debugInfo: DebugInfo, search: SourceSearch): Promise<Sources> {
    return new Sources(debugInfo, await findSources(debugInfo.sourceFiles(), search));
  }

  /** The DAP source of a path in the debug information. */
  describe(recorded: string): DebugProtocol.Source {
    const path = this.#found.get(recorded);
    if (path !== undefined) return { name: baseName(path), path };
    return {
      name: baseName(recorded),
      path: normalizePath(recorded),
      origin: 'not found on this computer; "sourceMap" in the launch configuration maps its folder',
    };
  }

  pathOf(recorded: string): string | undefined {
    return this.#found.get(recorded);
  }

  /** The paths in the debug information that a file of the editor stands for. */
  recordedPaths(path: string): readonly string[] {
    return this.#recorded.get(comparable(path)) ?? this.#debugInfo.matchSource(path);
  }

  all(): DebugProtocol.Source[] {
    const seen = new Set<string>();
    return this.#debugInfo
      .sourceFiles()
      .map((recorded) => this.describe(recorded))
      .filter(({ path = '' }) => !seen.has(path) && seen.add(path));
  }

  /** The listing that holds an address, made when first asked for; undefined where no symbol reaches. */
  virtualAt(address: bigint): VirtualSource | undefined {
    const symbol = this.#debugInfo.symbols.at(address)?.symbol;
    if (symbol === undefined) return undefined;
    const known = this.#virtual.find((it) => it.symbol === symbol);
    if (known !== undefined) return address < known.end ? known : undefined;
    let end = symbol.value + (symbol.size > 0n ? symbol.size : LONGEST_LISTING);
    if (symbol.size === 0n) {
      for (let at = symbol.value; at < end; at += 4n) {
        if (this.#debugInfo.symbols.at(at)?.symbol !== symbol) end = at;
      }
    }
    if (end - symbol.value > LONGEST_LISTING) end = symbol.value + LONGEST_LISTING;
    if (address >= end) return undefined;
    const source: VirtualSource = {
      reference: this.#virtual.length + 1,
      name: `${symbol.name}.disassembly.s`,
      symbol,
      end,
    };
    this.#virtual.push(source);
    return source;
  }

  virtualByReference(reference: number): VirtualSource | undefined {
    return this.#virtual[reference - 1];
  }
}

/** Line of an address in a virtual source: two lines of heading, then one instruction per line. */
export function virtualLine(source: VirtualSource, address: bigint): number {
  return Number((address - source.symbol.value) / 4n) + 1 + VIRTUAL_HEADING_LINES;
}

export function virtualAddress(source: VirtualSource, line: number): bigint | undefined {
  const address = source.symbol.value + BigInt(line - 1 - VIRTUAL_HEADING_LINES) * 4n;
  return address >= source.symbol.value && address < source.end ? address : undefined;
}

export const VIRTUAL_HEADING_LINES = 2;

/** Drive letters and separators do not distinguish files. */
function comparable(path: string): string {
  const normalized = normalizePath(path);
  return /^[a-z]:/i.test(normalized) ? normalized.toLowerCase() : normalized;
}
