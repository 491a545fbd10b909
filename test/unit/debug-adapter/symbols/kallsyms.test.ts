import assert from 'node:assert/strict';
import { readKallsyms } from '../../../../debug-adapter/symbols/kallsyms.ts';
import { seededRandom } from '../../../support/random.ts';

const KERNEL = 0xffff_8000_0800_0000n;

/** A writer of what an assembler makes of scripts/kallsyms.c: every table on a multiple of eight. */
class Image {
  readonly bytes: number[] = [];

  align(): number {
    while (this.bytes.length % 8 !== 0) this.bytes.push(0);
    return this.bytes.length;
  }
  put(value: number | bigint, size: number): void {
    for (let n = 0; n < size; n += 1) {
      this.bytes.push(Number((BigInt(value) >> BigInt(8 * n)) & 0xffn));
    }
  }
  noise(count: number, random: () => number): void {
    for (let n = 0; n < count; n += 1) this.bytes.push(Math.floor(random() * 256));
  }
}

/** Tokens: each character of names stands for itself, and some that none has for what is frequent. */
const FREQUENT = ['__', 'tdo_', '_irq', 'get_'];
const tokens = Array.from({ length: 256 }, (_, code) => {
  if (code < FREQUENT.length) return FREQUENT[code] ?? '';
  return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : `<${code}>`;
});

function compress(text: string): number[] {
  const result: number[] = [];
  for (let at = 0; at < text.length;) {
    const code = FREQUENT.findIndex((token) => text.startsWith(token, at));
    result.push(code >= 0 ? code : text.charCodeAt(at));
    at += code >= 0 ? (FREQUENT[code] ?? '').length : 1;
  }
  return result;
}

interface Layout {
  readonly title: string;
  /** Addresses before the names, as up to 6.3. */
  readonly addressesFirst: boolean;
  /** `kallsyms_seqs_of_names` between markers and tokens, as in 6.2 and 6.3. */
  readonly sequences: boolean;
  /** The base is in a relocation and not in its place. */
  readonly relocated: boolean;
}

const layouts: readonly Layout[] = [
  { title: '5.10', addressesFirst: true, sequences: false, relocated: true },
  { title: '6.2', addressesFirst: true, sequences: true, relocated: true },
  { title: '6.6', addressesFirst: false, sequences: false, relocated: true },
  { title: '6.6 with RELR', addressesFirst: false, sequences: false, relocated: false },
];

type Named = readonly [kind: string, name: string, offset: number];

function build(layout: Layout, names: readonly Named[], seed: number): Uint8Array {
  const random = seededRandom(seed);
  const image = new Image();
  image.noise(4000 + Math.floor(random() * 1000), random);
  let place = 0;
  const addresses = (): void => {
    image.align();
    for (const [, , offset] of names) image.put(offset, 4);
    place = image.align();
    image.put(layout.relocated ? 0n : KERNEL, 8);
  };
  if (layout.addressesFirst) addresses();
  image.align();
  image.put(names.length, 4);
  const start = image.align();
  const markers: number[] = [];
  names.forEach(([kind, name], n) => {
    if (n % 256 === 0) markers.push(image.bytes.length - start);
    const compressed = compress(kind + name);
    if (compressed.length < 0x80) image.put(compressed.length, 1);
    else image.put((compressed.length & 0x7f) | 0x80 | ((compressed.length >> 7) << 8), 2);
    image.bytes.push(...compressed);
  });
  image.align();
  for (const marker of markers) image.put(marker, 4);
  image.align();
  if (layout.sequences) image.noise(3 * names.length, random);
  const table = image.align();
  const index = tokens.map((token) => {
    const offset = image.bytes.length - table;
    image.bytes.push(...Buffer.from(`${token}\0`, 'latin1'));
    return offset;
  });
  image.align();
  for (const offset of index) image.put(offset, 2);
  if (!layout.addressesFirst) addresses();
  image.noise(1000, random);
  image.align();
  // Elf64_Rela: place, R_AARCH64_RELATIVE, addend. One that misleads and the right one.
  for (const [at, addend] of [
    [0x1_0000n, KERNEL + 0x1_2345n],
    [BigInt(place), KERNEL],
  ] as const) {
    image.put(KERNEL + at, 8);
    image.put(0x403, 8);
    image.put(addend, 8);
  }
  image.noise(64, random);
  return Uint8Array.from(image.bytes);
}

const names: readonly Named[] = [
  ['T', '_text', 0],
  ['t', '__do_get_irq', 0x40],
  ['T', 'start_kernel', 0x100],
  ['W', 'arch_hook', 0x180],
  ['D', 'jiffies', 0x200],
  ['t', 'x'.repeat(200), 0x300],
  ...Array.from({ length: 700 }, (_, n): Named => ['t', `filler_${n}`, 0x400 + 16 * n]),
];

describe('The symbols of a Linux Image', () => {
  for (const layout of layouts) {
    it(`are read as ${layout.title} lays them out`, () => {
      for (const seed of [1, 2, 3]) {
        const found = readKallsyms(build(layout, names, seed));
        assert.deepEqual(
          found?.map(({ name, value }) => [name, value]),
          names.map(([, name, offset]) => [name, KERNEL + BigInt(offset)]),
        );
        const [text, irq, , weak, data] = found;
        assert.deepEqual([text?.kind, text?.binding, text?.size], ['function', 'global', 0x40n]);
        assert.deepEqual([irq?.binding, weak?.binding, data?.kind], ['local', 'weak', 'object']);
      }
    });
  }

  it('are none where there are no tables, or damaged ones', () => {
    const [layout] = layouts;
    assert.ok(layout);
    const image = build(layout, names, 1);
    assert.equal(readKallsyms(image.slice(0, 3000)), undefined);
    assert.equal(readKallsyms(new Uint8Array(10_000).fill(0x30)), undefined);
    const random = seededRandom(7);
    for (let n = 0; n < 200; n += 1) {
      const damaged = image.slice(0, Math.floor(random() * image.length));
      for (let k = 0; k < 20; k += 1) {
        damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      }
      readKallsyms(damaged);
    }
  });
});
