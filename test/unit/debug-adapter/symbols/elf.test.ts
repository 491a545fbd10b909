import assert from 'node:assert/strict';
import { deflateSync, inflateSync } from 'node:zlib';
import { parseElf, type ElfOptions } from '../../../../debug-adapter/symbols/elf.ts';
import {
  SymbolError,
  type SymbolErrorCode,
} from '../../../../debug-adapter/symbols/symbol-error.ts';
import { SymbolTable } from '../../../../debug-adapter/symbols/symbol-table.ts';
import { fixtureBytes } from './fixtures.ts';

const NAME = 'sample-gcc-O0-dwarf5';

function patched(changes: Readonly<Record<number, number>>, length?: number): Uint8Array {
  const bytes = fixtureBytes(NAME).slice(0, length);
  for (const [offset, value] of Object.entries(changes)) bytes[Number(offset)] = value;
  return bytes;
}

describe('parseElf', () => {
  it('reads the header, the segments and the sections', () => {
    const image = parseElf(fixtureBytes(NAME), 'a.elf');
    assert.equal(image.type, 'ET_EXEC');
    assert.equal(image.section('.text')?.address, 0x4008_0000n);
    assert.equal(image.section('.text')?.executable, true);
    assert.equal(image.symbols.find(({ name }) => name === '_start')?.value, image.entry);
    const text = image.segments.find(
      ({ vaddr, memSize }) => 0x4008_0000n >= vaddr && 0x4008_0000n < vaddr + BigInt(memSize),
    );
    assert.equal(text?.paddr, text?.vaddr);
    assert.equal(image.loadedBytes(0x4008_0000n, 4)?.length, 4);
    assert.ok(image.occupies(0x4008_0000n));
    assert.ok(!image.occupies(0n));
  });

  const refusals: readonly {
    title: string;
    bytes: Uint8Array;
    code: SymbolErrorCode;
    message: RegExp;
  }[] = [
    {
      title: 'an empty file',
      bytes: new Uint8Array(0),
      code: 'not-elf',
      message: /not an ELF file/,
    },
    {
      title: 'a text file',
      bytes: new Uint8Array(100).fill(65),
      code: 'not-elf',
      message: /not an ELF file/,
    },
    {
      title: 'a header cut short',
      bytes: patched({}, 40),
      code: 'truncated',
      message: /ends inside the ELF header/,
    },
    { title: 'a file cut short', bytes: patched({}, 5000), code: 'truncated', message: /end/ },
    { title: 'ELFCLASS32', bytes: patched({ 4: 1 }), code: 'elf32', message: /32-bit/ },
    { title: 'ELFDATA2MSB', bytes: patched({ 5: 2 }), code: 'big-endian', message: /big-endian/ },
    { title: 'x86-64', bytes: patched({ 18: 62 }), code: 'wrong-machine', message: /x86-64/ },
    {
      title: 'an unheard-of machine',
      bytes: patched({ 18: 0, 19: 99 }),
      code: 'wrong-machine',
      message: /machine number 25344/,
    },
    { title: 'ET_REL', bytes: patched({ 16: 1 }), code: 'relocatable', message: /link it first/ },
    { title: 'ET_CORE', bytes: patched({ 16: 4 }), code: 'core-file', message: /core dump/ },
  ];
  for (const { title, bytes, code, message } of refusals) {
    it(`refuses ${title} as ${code}`, () => {
      assert.throws(
        () => parseElf(bytes, 'guest.elf'),
        (error) => {
          assert.ok(error instanceof SymbolError);
          assert.equal(error.code, code);
          assert.equal(error.fileName, 'guest.elf');
          assert.match(error.message, message);
          assert.match(error.message, /^guest\.elf: offset 0x[0-9a-f]+: /);
          return true;
        },
      );
    });
  }

  it('refuses a program that asks for an interpreter unless user programs are accepted', () => {
    const bytes = fixtureBytes(NAME);
    const view = new DataView(bytes.buffer);
    const e_phoff = Number(view.getBigUint64(32, true));
    const last = e_phoff + 56 * (view.getUint16(56, true) - 1);
    view.setUint32(last, 3, true); // PT_INTERP
    assert.throws(() => parseElf(bytes, 'a'), { code: 'user-program' });
    assert.ok(parseElf(bytes, 'a', { acceptUserPrograms: true }));
  });
});

describe('compressed sections', () => {
  /** A copy in which .debug_str is compressed and appended to the file. */
  function compressed(): Uint8Array {
    const image = parseElf(fixtureBytes(NAME), 'a');
    const data = image.sectionData('.debug_str');
    const section = image.section('.debug_str');
    assert.ok(data && section);
    const packed = deflateSync(data);
    const bytes = new Uint8Array(image.bytes.length + 24 + packed.length);
    bytes.set(image.bytes);
    const view = new DataView(bytes.buffer);
    const at = image.bytes.length;
    view.setUint32(at, 1, true); // ELFCOMPRESS_ZLIB
    view.setBigUint64(at + 8, BigInt(data.length), true);
    bytes.set(packed, at + 24);
    const header = Number(view.getBigUint64(40, true)) + section.index * 64;
    view.setBigUint64(header + 8, view.getBigUint64(header + 8, true) | 0x800n, true);
    view.setBigUint64(header + 24, BigInt(at), true);
    view.setBigUint64(header + 32, BigInt(24 + packed.length), true);
    return bytes;
  }

  it('are inflated by the function that is given', () => {
    const options: ElfOptions = { inflate: (data) => new Uint8Array(inflateSync(data)) };
    const plain = parseElf(fixtureBytes(NAME), 'a').sectionData('.debug_str');
    assert.deepEqual(parseElf(compressed(), 'a', options).sectionData('.debug_str'), plain);
  });

  it('are reported when there is none', () => {
    const image = parseElf(compressed(), 'a');
    assert.throws(() => image.sectionData('.debug_str'), {
      code: 'compressed',
      section: '.debug_str',
    });
  });
});

describe('SymbolTable', () => {
  const table = new SymbolTable(parseElf(fixtureBytes(NAME), 'a'));

  it('finds the symbol that holds an address', () => {
    const main = table.named('main')[0];
    assert.ok(main);
    assert.equal(table.describe(main.value), 'main');
    assert.equal(table.describe(main.value + main.size - 4n), `main+${main.size - 4n}`);
    assert.equal(table.labelAt(main.value), 'main');
    assert.equal(table.describe(0n), undefined);
  });

  it('tells code from data by mapping symbols', () => {
    assert.equal(table.isData(table.named('main')[0]?.value ?? 0n), false);
    assert.equal(table.isData(table.named('counter')[0]?.value ?? 0n), true);
    assert.equal(table.isData(0n), undefined);
  });
});
