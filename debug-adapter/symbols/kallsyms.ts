/**
 * The symbol table that a Linux kernel carries for itself (CONFIG_KALLSYMS), read from its `Image`: names of functions
 * without a `vmlinux`. Source of the layout: Linux, scripts/kallsyms.c and kernel/kallsyms.c, versions 5.x to 6.x.
 *
 * Nothing in the file says where the tables are. The token table is found by what it always contains, the digits one
 * after the other; the others are next to it, and each is believed only when another one agrees.
 */
import type { ElfSymbol } from './elf.ts';

const TOKENS = 256;
const ALIGNMENT = 8;
/** Fewer or more symbols than this a kernel has not. */
const FEWEST = 256;
const MOST = 1 << 20;
/** Names that are looked at before an image that only pretends is given up. */
const MOST_WORK = 1 << 26;
/** A marker for each so many names. */
const NAMES_OF_A_MARKER = 256;
/** Names longer than this, in tokens, begin with a byte of which bit 7 is set (since 6.1). */
const LONG = 0x80;
/** Elf64_Rela.r_info of R_AARCH64_RELATIVE. */
const R_AARCH64_RELATIVE = 0x403n;

interface TokenTable {
  readonly start: number;
  /** Of the token index behind it. */
  readonly end: number;
  readonly tokens: readonly string[];
}

interface NameTable {
  /** Of `kallsyms_num_syms`. */
  readonly start: number;
  readonly count: number;
  /** Of the first name. */
  readonly names: number;
}

/** The symbols of a kernel with their link addresses; undefined where the image has none that can be read. */
export function readKallsyms(image: Uint8Array): readonly ElfSymbol[] | undefined {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  for (const tokens of tokenTables(image, view)) {
    const table = nameTable(image, view, tokens);
    if (table === undefined) continue;
    const addresses = symbolAddresses(view, table, tokens);
    if (addresses === undefined) continue;
    return symbols(image, table, tokens, addresses);
  }
  return undefined;
}

const align = (offset: number): number => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

/** Every place that could be `kallsyms_token_table` with `kallsyms_token_index` behind it. */
function* tokenTables(image: Uint8Array, view: DataView): Generator<TokenTable> {
  const digits = Uint8Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 0x30 + i / 2 : 0));
  for (let zero = image.indexOf(0x30); zero >= 0; zero = image.indexOf(0x30, zero + 1)) {
    if (digits.some((byte, i) => image[zero + i] !== byte)) continue;
    const table = tokenTable(image, view, zero);
    if (table !== undefined) yield table;
  }
}

/** @param zero where the token "0" would be */
function tokenTable(image: Uint8Array, view: DataView, zero: number): TokenTable | undefined {
  let end = zero;
  for (let token = 0x30; token < TOKENS; token += 1) {
    const next = image.indexOf(0, end);
    if (next < 0) return undefined;
    end = next + 1;
  }
  const index = align(end);
  if (index + 2 * TOKENS > image.length) return undefined;
  const offsetOf = (token: number): number => view.getUint16(index + 2 * token, true);
  const start = zero - offsetOf(0x30);
  if (start < 0 || offsetOf(0) !== 0) return undefined;
  const tokens: string[] = [];
  let at = start;
  for (let token = 0; token < TOKENS; token += 1) {
    if (offsetOf(token) !== at - start) return undefined;
    const next = image.indexOf(0, at);
    tokens.push(String.fromCharCode(...image.subarray(at, next)));
    at = next + 1;
  }
  return { start, end: index + 2 * TOKENS, tokens };
}

/** `kallsyms_num_syms` and `kallsyms_names`, somewhere before the tokens; `kallsyms_markers` says that they are it. */
function nameTable(
  image: Uint8Array,
  view: DataView,
  { start }: TokenTable,
): NameTable | undefined {
  let work = MOST_WORK;
  for (let at = start - ALIGNMENT; at >= 0 && work > 0; at -= ALIGNMENT) {
    const count = view.getUint32(at, true);
    if (count < FEWEST || count > MOST || view.getUint32(at + 4, true) !== 0) continue;
    const names = at + ALIGNMENT;
    const { offsets, parsed } = markersOf(image, names, count, start);
    work -= parsed;
    if (offsets === undefined) continue;
    const markers = align(names + (offsets.pop() ?? 0));
    const agree = offsets.every(
      (offset, n) =>
        markers + 4 * n + 4 <= start && view.getUint32(markers + 4 * n, true) === offset,
    );
    if (agree) return { start: at, count, names };
  }
  return undefined;
}

/** Offsets of every 256th name and of the end of the last; none where these are no names. */
function markersOf(
  image: Uint8Array,
  names: number,
  count: number,
  limit: number,
): { readonly offsets?: number[]; readonly parsed: number } {
  const offsets: number[] = [];
  let at = names;
  for (let n = 0; n < count; n += 1) {
    if (n % NAMES_OF_A_MARKER === 0) offsets.push(at - names);
    const { length, from } = nameAt(image, at);
    at = from + length;
    if (length === 0 || at > limit) return { parsed: n };
  }
  offsets.push(at - names);
  return { offsets, parsed: count };
}

/** How many tokens a name has, and where they begin. */
function nameAt(image: Uint8Array, at: number): { length: number; from: number } {
  const first = image[at] ?? 0;
  if ((first & LONG) === 0) return { length: first, from: at + 1 };
  return { length: (first & (LONG - 1)) | ((image[at + 1] ?? 0) << 7), from: at + 2 };
}

/** Link addresses in the order of the names: offsets of 32 bits from a base, ascending. */
function symbolAddresses(
  view: DataView,
  { start, count }: NameTable,
  { end }: TokenTable,
): readonly bigint[] | undefined {
  // Up to 6.3 the offsets come before all else; since 6.4 they come after it.
  const before = start - ALIGNMENT - align(4 * count);
  for (const [offsets, base] of [
    [before, start - ALIGNMENT],
    [end, align(end + 4 * count)],
  ] as const) {
    if (offsets < 0 || base + 8 > view.byteLength) continue;
    if (!isAscending(view, offsets, count)) continue;
    const relativeBase = view.getBigUint64(base, true) || relocatedBase(view, base);
    if (relativeBase === undefined || relativeBase >> 48n !== 0xffffn) continue;
    return Array.from(
      { length: count },
      (_, n) => relativeBase + BigInt(view.getUint32(offsets + 4 * n, true)),
    );
  }
  return undefined;
}

function isAscending(view: DataView, offsets: number, count: number): boolean {
  let last = 0;
  for (let n = 0; n < count; n += 1) {
    const offset = view.getUint32(offsets + 4 * n, true);
    if (offset < last) return false;
    last = offset;
  }
  return last > 0;
}

/** The first symbol of a kernel, `_text` or `_stext`, is not further than this from its first byte. */
const FIRST_SYMBOL = 0x2_0000n;
/** A kernel is linked to a multiple of this, as large as the largest page. */
const LINK_ALIGNMENT = 0x1_0000n;

/**
 * Where `kallsyms_relative_base` is left to a relocation: that of R_AARCH64_RELATIVE whose place is that word, and whose
 * addend is the address of a first symbol.
 * @param at where the word is in the image, of which the first byte is linked to a multiple of 64 KiB
 */
function relocatedBase(view: DataView, at: number): bigint | undefined {
  for (let rela = 0; rela + 24 <= view.byteLength; rela += ALIGNMENT) {
    if (view.getUint32(rela + 8, true) !== Number(R_AARCH64_RELATIVE)) continue;
    if (view.getBigUint64(rela + 8, true) !== R_AARCH64_RELATIVE) continue;
    const start = view.getBigUint64(rela, true) - BigInt(at);
    const addend = view.getBigUint64(rela + 16, true);
    const isFirst = addend >= start && addend - start <= FIRST_SYMBOL;
    if (start > 0n && start % LINK_ALIGNMENT === 0n && isFirst) return addend;
  }
  return undefined;
}

function symbols(
  image: Uint8Array,
  { count, names }: NameTable,
  { tokens }: TokenTable,
  addresses: readonly bigint[],
): ElfSymbol[] {
  const found: ElfSymbol[] = [];
  let at = names;
  for (let n = 0; n < count; n += 1) {
    const { length, from } = nameAt(image, at);
    let text = '';
    for (let i = from; i < from + length; i += 1) text += tokens[image[i] ?? 0] ?? '';
    at = from + length;
    const value = addresses[n] ?? 0n;
    found.push(symbol(text, value, (addresses[n + 1] ?? value) - value));
  }
  return found;
}

/** nm(1) gives the letters: the first character of a name is its kind, in upper case when it is global. */
function symbol(text: string, value: bigint, size: bigint): ElfSymbol {
  const kind = text.charAt(0);
  const isFunction = 'tTwW'.includes(kind);
  return {
    name: text.slice(1),
    value,
    size,
    kind: isFunction ? 'function' : 'object',
    binding: 'wW'.includes(kind) ? 'weak' : kind === kind.toUpperCase() ? 'global' : 'local',
    sectionIndex: ABSOLUTE,
  };
}

/** SHN_ABS. */
const ABSOLUTE = 0xfff1;
