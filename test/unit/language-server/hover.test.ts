/** What the editor shows about a word (acceptance cases 1 to 14). */
import assert from 'node:assert/strict';
import { hoverText, includesAll, openAt } from './cases.ts';

const cases: readonly {
  readonly it: string;
  readonly at: string;
  readonly says: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly language?: string;
}[] = [
  {
    it: 'a system register with encoding, access and fields',
    at: 'mrs x0, mdscr|_el1',
    says: [
      'MDSCR_EL1',
      'op0=2 op1=0 CRn=0 CRm=2 op2=2',
      'S2_0_C0_C2_2',
      'RW',
      'debug',
      '| [0] | SS |',
      '| [12] | TDCC |',
      '| [13] | KDE |',
      '| [14] | HDE |',
      '| [15] | MDE |',
    ],
  },
  {
    it: 'a generic name as the register it encodes',
    at: 'mrs x0, s3_0_c9_c9|_7',
    says: ['PMSIDR_EL1** (generic name)', 'RO', 'FEAT_SPE'],
  },
  {
    it: 'a constant that a register holds, as fields',
    at: 'movz x1, #0xA001\nmsr mdscr_el1, x1|',
    says: ['0xA001 = SS=1, KDE=1, MDE=1'],
  },
  {
    it: 'the same behind the system register',
    at: 'mov x0, #0x8000\nmsr mdscr_el|1, x0',
    says: ['0x8000** = MDE=1'],
  },
  {
    it: 'a syndrome in a data directive',
    at: '.quad 0x96000045| // esr',
    says: ['EC=0x25', 'IL=1', 'DFSC=5', 'evel 1', 'WnR=1'],
  },
  {
    it: 'a condition and what set the flags',
    at: 'cmp x0, #3\nb.hi| 1f\n1: ret',
    says: ['unsigned higher', 'C==1 && Z==0', 'cmp x0, #3'],
  },
  {
    it: 'a callee-saved register',
    at: 'mov x0, x19|',
    says: ['64-bit general register', 'callee-saved (AAPCS64)'],
  },
  { it: 'the platform register', at: 'mov x0, x18|', says: ['platform register: do not use'] },
  { it: 'IP0', at: 'mov x0, x16|', says: ['IP0', 'veneers'] },
  { it: 'an instruction word', at: '.word 0xd5100240|', says: ['msr MDSCR_EL1, x0'] },
  // llvm-mc: add x0, x1, #4096 is 0x91400420.
  {
    it: 'the encoding of an immediate',
    at: 'add x0, x1, #4096|',
    says: ['0x91400420', 'encoded as #1, lsl #12'],
  },
  {
    it: 'a barrier option',
    at: 'dsb is|h',
    says: ['inner shareable', 'all accesses', 'CRm 0b1011'],
  },
  {
    it: 'a TLB operation',
    at: 'tlbi vmalle1i|s',
    says: ['op1=0 CRn=8 CRm=3 op2=0', 'no register needed'],
  },
  {
    it: 'a label with its comment',
    at: '// first\n// second\n// third\ntable:\n .quad 1, 2\n .word 3\nend:\n adr x0, tabl|e',
    says: ['first', 'second', 'third', '20 bytes to the next symbol', '1 reference'],
  },
  {
    it: 'a constant of the preprocessor',
    at: '#define FOO (1 << 3)\nmov x0, #FO|O',
    says: ['FOO', '(1 << 3)', '8 = 0x8', '#L1'],
  },
  {
    it: 'TRBLIMITR_EL1',
    at: 'mrs x0, trblimitr_el1|',
    says: [
      '[63:12] | LIMIT',
      'XE',
      'nVM',
      '[4:3] | TM',
      '[2:1] | FM',
      '0 fill',
      '1 wrap',
      '3 circular',
    ],
  },
  {
    it: 'a register in read_sysreg',
    at: 'u64 f(void) { return read_sysreg(pmscr_el|1); }',
    language: 'c',
    says: ['PMSCR_EL1', '| bits | field |'],
  },
  {
    it: 'a SYS_ constant',
    at: 'x = read_sysreg_s(SYS_PMSIDR_EL1|);',
    language: 'c',
    says: ['**PMSIDR_EL1**'],
  },
  {
    it: 'a register in a string of asm',
    at: 'asm volatile("mrs %0, midr_el|1" : "=r"(v));',
    language: 'c',
    says: ['MIDR_EL1'],
  },
  {
    it: 'a register in Rust',
    at: 'unsafe { asm!("mrs {x}, midr_el|1", x = out(reg) v); }',
    language: 'rust',
    says: ['MIDR_EL1'],
  },
  {
    it: 'a mnemonic with its operands',
    at: 'ub|fx x0, x1, #3, #4',
    says: ['Extracts a bit field', '`#3`', 'lsb 0-63'],
  },
  {
    it: 'a macro',
    at: '.macro save reg\nstr \\reg, [sp]\n.endm\nsav|e x0',
    says: ['macro', 'str \\reg, [sp]'],
  },
];

describe('hover', () => {
  for (const { it: title, at, says, files, language } of cases) {
    it(`shows ${title}`, () => {
      includesAll(hoverText(at, files, language), says);
    });
  }

  it('covers the name it is about', () => {
    const { service, uri, position } = openAt('mrs x0, mdscr|_el1');
    assert.deepEqual(service.hover(uri, position)?.range, {
      start: { line: 0, character: 8 },
      end: { line: 0, character: 17 },
    });
  });

  it('says nothing in a comment', () => {
    assert.equal(hoverText('// mov x|0, x1'), '');
  });

  it('explains registers and their fields in comments', () => {
    const field = hoverText('mov x0, #3 // CPACR_EL1.FP|EN = 0b11.');
    includesAll(field, ['**CPACR_EL1.FPEN** [21:20]', '- 3: allow', '**CPACR_EL1** — ']);
    includesAll(hoverText('/* see MDSCR_E|L1. */'), ['**MDSCR_EL1**', 'MDE']);
    // Words are no registers, and a field that does not exist is none.
    for (const text of ['// the fa|r end', '// DAIF| is', '// MDSCR_EL1.NO|NE', '// x|0'])
      assert.equal(hoverText(text), '', text);
  });
});
