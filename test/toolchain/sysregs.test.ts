/** Every register and SYS alias the processor can have assembles to the encoding the tables give. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { implementedRegisters } from '../../emulator/sysregs/definitions.ts';
import { v8_0 } from '../../emulator/sysregs/processor-model.ts';
import { mrsOpcode, msrOpcode } from '../../emulator/sysregs/sysreg.ts';
import { implementedInstructions } from '../../emulator/sysregs/system-instructions.ts';
import { run, skipBecause, versionOf } from './tools.ts';

const everyFeature = {
  ...v8_0,
  name: 'every feature',
  breakpoints: 16,
  watchpoints: 16,
  FEAT_FGT: true,
  FEAT_SPE: true,
  FEAT_TRF: true,
  FEAT_TRBE: true,
};

const hexadecimal = (word: number): string => word.toString(16).padStart(8, '0');

/** Assembly line and the word it has to become. */
function expectations(unknown: readonly string[]): readonly (readonly [string, number])[] {
  const lines: [string, number][] = [];
  for (const { reg } of implementedRegisters(everyFeature).all) {
    if (unknown.includes(reg.name)) continue;
    if (reg.access !== 'WO') lines.push([`mrs x3, ${reg.name}`, mrsOpcode(reg, 3)]);
    if (reg.access !== 'RO') lines.push([`msr ${reg.name}, x3`, msrOpcode(reg, 3)]);
  }
  for (const { kind, name, encoding, register } of implementedInstructions.values()) {
    const Rt = register ? 3 : 31;
    const operands = register ? `${name}, x3` : name;
    lines.push([`${kind} ${operands}`, (0xd5000000 | (encoding << 5) | Rt) >>> 0]);
  }
  return lines;
}

const assemblers = [
  {
    command: 'aarch64-linux-gnu-as',
    // Named after binutils 2.40; llvm-mc knows them.
    unknown: [
      'ID_AA64PFR2_EL1',
      'ID_AA64FPFR0_EL1',
      'ID_AA64DFR2_EL1',
      'ID_AA64ISAR3_EL1',
      'ID_AA64MMFR3_EL1',
      'ID_AA64MMFR4_EL1',
    ],
    assemble: (source: string, object: string): void => {
      const arguments_ = ['-march=armv8.8-a+profile+sve+sme', '-o', object, source];
      const { status, errors } = run('aarch64-linux-gnu-as', arguments_, 20_000);
      assert.equal(status, 0, errors);
    },
  },
  {
    command: 'llvm-mc-19',
    unknown: [],
    assemble: (source: string, object: string): void => {
      const arguments_ = ['-triple=aarch64', '-mattr=+all', '-filetype=obj', '-o', object, source];
      const { status, errors } = run('llvm-mc-19', arguments_, 20_000);
      assert.equal(status, 0, errors);
    },
  },
] as const;

/** The words of .text in an ELF64 little-endian relocatable. */
function textWords(object: Buffer, count: number): readonly number[] {
  const sectionHeaders = Number(object.readBigUInt64LE(0x28));
  const headerSize = object.readUInt16LE(0x3a);
  const headers = object.readUInt16LE(0x3c);
  for (let i = 0; i < headers; i += 1) {
    const header = sectionHeaders + i * headerSize;
    const isProgbits = object.readUInt32LE(header + 4) === 1;
    const isExecutable = (object.readUInt32LE(header + 8) & 4) !== 0;
    const size = Number(object.readBigUInt64LE(header + 0x20));
    if (!isProgbits || !isExecutable || size === 0) continue;
    const offset = Number(object.readBigUInt64LE(header + 0x18));
    assert.equal(size, count * 4, 'one word for each line');
    return Array.from({ length: count }, (_, word) => object.readUInt32LE(offset + word * 4));
  }
  return assert.fail('the object has no code');
}

describe('System register and instruction encodings', () => {
  for (const { command, unknown, assemble } of assemblers) {
    it(`are those of ${command}`, function () {
      if (versionOf(command) === undefined) skipBecause(this, `${command} is not installed`);
      const folder = mkdtempSync(join(tmpdir(), 'trapline-sysregs-'));
      try {
        const lines = expectations(unknown);
        const source = join(folder, 'sysregs.s');
        const object = join(folder, 'sysregs.o');
        writeFileSync(source, `\t.text\n${lines.map(([line]) => `\t${line}\n`).join('')}`);
        assemble(source, object);
        const words = textWords(readFileSync(object), lines.length);
        assert.deepEqual(
          lines.map(([line], i) => `${hexadecimal(words[i] ?? 0)} ${line}`),
          lines.map(([line, word]) => `${hexadecimal(word)} ${line}`),
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
