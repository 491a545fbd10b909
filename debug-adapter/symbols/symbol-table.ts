import type { ElfImage, ElfSymbol } from './elf.ts';
import { RangeIndex } from './range-index.ts';

/** A symbol and how far past its start an address lies. */
export interface SymbolAt {
  readonly symbol: ElfSymbol;
  /** Bytes from the symbol's value. */
  readonly offset: bigint;
}

/** Symbols by address and by name. Sections, files and mapping symbols have no part in it. */
export class SymbolTable {
  readonly #byName = new Map<string, ElfSymbol[]>();
  readonly #byAddress = new Map<bigint, ElfSymbol[]>();
  readonly #ranges = new RangeIndex<ElfSymbol>();
  /** Starts of code ($x) and data ($d), ascending. */
  readonly #mapping: readonly ElfSymbol[];

  constructor(image: ElfImage) {
    const named = image.symbols.filter(
      ({ kind, name }) =>
        name !== '' && (kind === 'function' || kind === 'object' || kind === 'notype'),
    );
    for (const symbol of named) {
      append(this.#byName, symbol.name, symbol);
      append(this.#byAddress, symbol.value, symbol);
    }
    for (const candidates of this.#byAddress.values()) candidates.sort(byPreference);
    this.#indexRanges(image);
    this.#mapping = image.symbols
      .filter(({ kind }) => kind === 'mapping')
      .sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  }

  /** All symbols of that name: statics in several files may share one. */
  named(name: string): readonly ElfSymbol[] {
    return this.#byName.get(name) ?? [];
  }

  /** Names that start with `prefix`, for completion. */
  *namesStartingWith(prefix: string): Generator<string> {
    for (const name of this.#byName.keys()) if (name.startsWith(prefix)) yield name;
  }

  /** The symbol that holds an address: by its size, or up to the next symbol when it has none. */
  at(address: bigint): SymbolAt | undefined {
    const found = this.#ranges.find(address);
    if (found === undefined) return undefined;
    return { symbol: found.value, offset: address - found.value.value };
  }

  /** The label that a listing prints at exactly this address. */
  labelAt(address: bigint): string | undefined {
    return this.#byAddress.get(address)?.[0]?.name;
  }

  /** `main` or `main+12`; undefined where no symbol reaches. */
  describe(address: bigint): string | undefined {
    const found = this.at(address);
    if (found === undefined) return undefined;
    return found.offset === 0n ? found.symbol.name : `${found.symbol.name}+${found.offset}`;
  }

  /** Whether a mapping symbol marks the address as data; undefined where none says anything. */
  isData(address: bigint): boolean | undefined {
    let low = 0;
    let high = this.#mapping.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#mapping[middle]?.value ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    const name = this.#mapping[low - 1]?.name;
    return name === undefined ? undefined : name.startsWith('$d');
  }

  /** A symbol without a size, as assembler labels are, reaches to the next one or its section's end. */
  #indexRanges(image: ElfImage): void {
    const addresses = [...this.#byAddress.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    for (const [i, address] of addresses.entries()) {
      const symbol = this.#byAddress.get(address)?.[0];
      if (symbol === undefined) continue;
      let end = address + symbol.size;
      if (symbol.size === 0n) {
        const section = image.sections[symbol.sectionIndex];
        if (section?.allocated !== true) continue;
        const sectionEnd = section.address + BigInt(section.size);
        const next = addresses[i + 1] ?? sectionEnd;
        end = next < sectionEnd ? next : sectionEnd;
      }
      this.#ranges.add(address, end, symbol);
    }
  }
}

/** Functions before objects before labels, sized before unsized, global before local. */
function byPreference(a: ElfSymbol, b: ElfSymbol): number {
  return rank(a) - rank(b);
}

function rank({ kind, size, binding, name }: ElfSymbol): number {
  const kindRank = kind === 'function' ? 0 : kind === 'object' ? 8 : 16;
  const bindingRank = binding === 'global' ? 0 : binding === 'weak' ? 1 : 2;
  return kindRank + (size === 0n ? 4 : 0) + bindingRank + (name.startsWith('.L') ? 32 : 0);
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
