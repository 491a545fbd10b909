/** Problems reported while typing (acceptance cases 28 to 49 and 75), with the verdicts of llvm-mc 19 and GNU as 2.47. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { diagnosticCodes } from '../../../language-server/diagnostic-codes.ts';
import { openAt, problems } from './cases.ts';

const header = '.global f\n.type f, %function\nf:\n';

const cases: readonly {
  readonly text: string;
  readonly gives: readonly string[];
  readonly cpu?: string;
  readonly el?: 0 | 1;
}[] = [
  { text: 'mrs x0, mdscr_el', gives: ['sysreg-unknown@0:mdscr_el'] },
  { text: 'msr midr_el1, x0', gives: ['sysreg-readonly@0:midr_el1'] },
  { text: 'mrs x0, oslar_el1', gives: ['sysreg-writeonly@0:oslar_el1'] },
  { text: 'mrs w0, mdscr_el1', gives: ['reg-width@0:w0'] },
  { text: 'add x0, w1, x2', gives: ['reg-width@0:w1'] },
  { text: 'add x0, x1, w2, uxtw', gives: [] },
  { text: 'add x0, x1, #4097', gives: ['imm-range@0:#4097'] },
  { text: 'add x0, x1, #4096', gives: [] },
  { text: 'ldr x0, [x1, #32760]', gives: [] },
  { text: 'ldr x0, [x1, #32761]', gives: ['imm-range@0:#32761'] },
  { text: 'mov x0, #0x12345', gives: ['imm-mov@0:#0x12345'] },
  { text: 'mov x0, #0xffff0000ffff0000', gives: [] },
  { text: 'and x0, x1, #5', gives: ['imm-bitmask@0:#5'] },
  { text: 'and x0, x1, #0xff00', gives: [] },
  { text: 'movz x0, #1, lsl #8', gives: ['imm-shift@0:lsl #8'] },
  { text: '1: tbz w0, #40, 1b', gives: ['imm-range@0:#40'] },
  { text: '1: tbz x0, #40, 1b', gives: [] },
  { text: 'msr daifset, #16', gives: ['imm-range@0:#16'] },
  { text: 'msr spsel, #2', gives: ['imm-range@0:#2'] },
  { text: 'ic ialluis, x0', gives: ['operand-extra@0:x0'] },
  { text: 'ic ivau', gives: ['operand-missing@0:ivau'] },
  { text: 'ldp x0, x0, [sp], #16', gives: ['unpredictable@0:x0'] },
  { text: 'ldr x0, [x0], #8', gives: ['unpredictable-writeback@0:x0'] },
  { text: 'msr mdscr_el1, x0\nret', gives: ['isb-missing@0:msr mdscr_el1, x0'] },
  { text: 'msr mdscr_el1, x0\nisb\nret', gives: [] },
  { text: `f: b.eq f2\n.space 0x100000\nf2: ret`, gives: ['branch-range@0:f2'] },
  { text: `f: tbz x0, #1, f2\n.space 0x8000\nf2: ret`, gives: ['branch-range@0:f2'] },
  { text: `f: b.eq f2\n.space 0xff000\nf2: ret`, gives: [] },
  { text: `${header}mov x19, x0\nret`, gives: ['aapcs-callee-saved@3:x19'] },
  {
    text: `${header}stp x19, x30, [sp, #-16]!\nmov x19, x0\nldp x19, x30, [sp], #16\nret`,
    gives: [],
  },
  {
    text: `${header}stp x29, x30, [sp, #-32]!\nldp x29, x30, [sp], #16\nret`,
    gives: ['aapcs-stack@5:ret'],
  },
  { text: 'sub sp, sp, #8', gives: ['aapcs-sp-align16@0:#8'] },
  { text: 'mrs x0, pmscr_el1', cpu: 'cortex-a72', gives: ['feature-missing@0:pmscr_el1'] },
  { text: 'ldadd w0, w1, [x2]', cpu: 'cortex-a72', gives: ['feature-missing@0:ldadd'] },
  { text: 'ldadd w0, w1, [x2]', gives: [] },
  { text: 'bl nowhere', gives: ['symbol-undefined@0:nowhere'] },
  { text: '.extern there\nbl there', gives: [] },
  { text: 'foo .req x3\nmov foo, #1', gives: [] },
  { text: 'foo .req x3\nmov foo, #1\n.unreq foo\nmov foo, #1', gives: ['operand-kind@3:foo'] },
  { text: '#if 0\nnonsense here\n#endif\nnop', gives: [] },
  { text: '#if 0\n#else\nnonsense here\n#endif', gives: ['mnemonic-unknown@2:nonsense'] },
  { text: 'mvo x0, x1', gives: ['mnemonic-unknown@0:mvo'] },
  { text: 'mov x0, x32', gives: ['register-unknown@0:x32'] },
  { text: 'mov x31, x0', gives: ['register-unknown@0:x31'] },
  { text: '.globel x', gives: ['directive-unknown@0:.globel'] },
  { text: 'dsb isx', gives: ['option-unknown@0:isx'] },
  { text: 'tlbi vmalle1si', gives: ['option-unknown@0:vmalle1si'] },
  { text: '.if 1\nnop', gives: ['block-unbalanced@0:.if'] },
  { text: '.macro m\nnop', gives: ['block-unbalanced@0:.macro'] },
  { text: 'nop\n.endm', gives: ['block-unbalanced@1:.endm'] },
  { text: '#endif', gives: ['block-unbalanced@0:endif'] },
  { text: 'a: nop\na: nop', gives: ['label-duplicate@1:a'] },
  { text: '.ifdef X\na: nop\n.else\na: nop\n.endif', gives: [] },
  { text: 'b 1f', gives: ['symbol-undefined@0:1f'] },
  { text: 'mrs x0, hcr_el2', el: 1, gives: ['sysreg-el@0:hcr_el2'] },
  { text: '.macro m a\nmov \\a, #1\nfoo\\a x0\n.endm\nm x0', gives: [] },
  { text: '#define dst x0\n#define N (1 << 4)\nmov dst, #N\nadd dst, dst, #N * 4', gives: [] },
  { text: '#define N 4097\nadd x0, x1, #N', gives: ['imm-range@1:#N'] },
  { text: 'ldr x0, =0x123456789\nldr x1, [x0, x2, lsl #3]\nldr w1, [x0, w2, uxtw #2]', gives: [] },
  { text: 'ldr x1, [x0, x2, lsl #2]', gives: ['imm-shift@0:lsl #2'] },
  { text: 'ldr x1, [x0, w2]', gives: ['reg-width@0:w2'] },
  { text: 'ldr x1, [w0]', gives: ['reg-width@0:w0'] },
  { text: 'add x0, x1', gives: ['operand-missing@0:x1'] },
  { text: 'ret x1, x2', gives: ['operand-extra@0:x2'] },
  { text: 'adrp x0, here\nadd x0, x0, :lo12:here\nhere: nop', gives: [] },
  { text: 'fadd d0, d1, s2', gives: ['reg-width@0:s2'] },
  { text: 'add v0.4s, v1.4s, v2.4s\nld1 {v0.16b, v1.16b}, [x0], #32\nmov v0.s[1], w0', gives: [] },
  { text: 'stxr w0, x0, [x1]', gives: ['unpredictable@0:x0'] },
];

describe('diagnostics', () => {
  for (const { text, gives, cpu, el } of cases) {
    const title = text.length > 60 ? `${text.slice(0, 57)}...` : text;
    it(`of ${JSON.stringify(title)}${cpu === undefined ? '' : ` on ${cpu}`} are ${gives.length === 0 ? 'none' : gives.join(', ')}`, () => {
      const settings = {
        ...(cpu !== undefined && { cpu }),
        ...(el !== undefined && { targetEL: el }),
      };
      assert.deepEqual(problems(text, {}, 'aarch64', settings), gives);
    });
  }

  it('suggest what was meant', () => {
    const { service, uri } = openAt('mrs x0, mdscr_el\nmvo x0, x1\ntlbi vmalle1si');
    const messages = service.diagnostics(uri).map(({ message }) => JSON.stringify(message));
    assert.match(messages[0] ?? '', /mdscr_el1/);
    assert.match(messages[1] ?? '', /\bmov\b/);
    assert.match(messages[2] ?? '', /vmalle1is/);
  });

  it('name the legal neighbours of a wrong bitmask', () => {
    const { service, uri } = openAt('and x0, x1, #5');
    assert.match(JSON.stringify(service.diagnostics(uri)[0]?.message), /0x4 and 0x6/);
  });

  it('know macros of included files, and keep quiet when an include is missing', () => {
    assert.deepEqual(
      problems('#include "m.h"\nsave x0\nzzzzzz x1', { 'm.h': '.macro save r\n.endm\n' }),
      ['mnemonic-unknown@2:zzzzzz'],
    );
    assert.deepEqual(problems('#include "gone.h"\nzzzzzz x1'), ['include-missing@0:gone.h']);
  });

  it('know the names of files that include this one', () => {
    const { service } = openAt('.macro save r\n.endm\n#include "body.S"\n', {
      'body.S': 'save x0\nzzzzzz x1\n',
    });
    service.open('file:///w/body.S', 'aarch64', 'save x0\nzzzzzz x1\n');
    assert.deepEqual(
      service.diagnostics('file:///w/body.S').map(({ code, range }) => [code, range.start.line]),
      [['mnemonic-unknown', 1]],
    );
  });

  it('follow aliases of vector registers with an arrangement', () => {
    assert.deepEqual(problems('t5 .req v5\n#define T6 v6\neor t5.16b, T6.16b, t5.16b'), []);
  });

  it('leave out operands that go on in the next line', () => {
    assert.deepEqual(problems('mov x0, #(1 << 3 | \\\n 1 << 4)\nmvo x0, x1'), [
      'mnemonic-unknown@2:mvo',
    ]);
  });

  it('are one for a file of 32-bit code, and none for a linker script', () => {
    assert.deepEqual(problems('start: mov r0, r1\n ldr r2, [r3]\n add r0, r0\n'), [
      'not-a64@0:start: mov r0, r1',
    ]);
    assert.deepEqual(problems('SECTIONS\n{\n . = 0;\n}\n'), []);
  });

  it('survive includes that include each other', () => {
    assert.deepEqual(
      problems('#include "a.h"\nnop', { 'a.h': '#include "b.h"\n', 'b.h': '#include "a.h"\n' }),
      [],
    );
  });

  it('reach through strings of asm to the right column', () => {
    assert.deepEqual(
      problems(
        'asm volatile("nop\\n\\t"\n  "msr midr_el1, %0\\n\\t"\n  "isb" : : "r"(v));',
        {},
        'c',
      ),
      ['sysreg-readonly@1:midr_el1'],
    );
    assert.deepEqual(
      problems('asm("mov %w0, %1" : "=r"(a) : "r"(b) : "x0", "v31", "cc", "memory");', {}, 'c'),
      [],
    );
    assert.deepEqual(
      problems('write_sysreg(f(a, b), midr_el1); x = read_sysreg(oslar_el1);', {}, 'c'),
      ['sysreg-readonly@0:midr_el1', 'sysreg-writeonly@0:oslar_el1'],
    );
  });

  it('each have a page', () => {
    const folder = path.resolve(import.meta.dirname, '../../../docs/diagnostics');
    const missing = Object.keys(diagnosticCodes).filter(
      (code) => !existsSync(path.join(folder, `${code}.md`)),
    );
    assert.deepEqual(missing, []);
    const unknown = readdirSync(folder).filter(
      (name) => !(name.replace(/\.md$/, '') in diagnosticCodes) && name !== 'README.md',
    );
    assert.deepEqual(unknown, []);
  });

  const piece = fc.oneof(
    fc.constantFrom(
      'mov x0, ',
      'ldr x1, [',
      ']',
      '!',
      '#',
      ', ',
      '(',
      ')',
      '1f',
      'label:',
      '\n',
      '.macro m a\n',
      '.endm\n',
      '.if ',
      '.endif\n',
      '#define A B\n',
      '#define B A\n',
      'A',
      '\\a',
      '\\@',
      '"',
      "'",
      '/*',
      '*/',
      '.set A, A+1\n',
      'msr ',
      'mdscr_el1',
      'b.eq ',
      '.req x0',
      '{v0.4s',
      '-',
      '~',
      '0x',
      ';',
    ),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );

  const line = fc.constantFrom(
    'mov x0, #0x12345',
    'msr mdscr_el1, x0',
    'isb',
    'b 1f',
    '1: nop',
    'foo: nop',
    'b foo',
    'bl bar',
    '.global foo',
    '.type foo, %function',
    'mov x19, x0',
    'ret',
    'q .req x3',
    '.unreq q',
    'mov q, #1',
    '.macro m',
    '.endm',
    'm',
    '/* open',
    'close */',
    '#if 0',
    '#endif',
    '.space 0x8000',
    'tbz x0, #1, foo',
    '',
  );

  it('after any edits are those of the resulting text', () => {
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 250 }),
        fc.array(
          fc.record({
            at: fc.nat(250),
            removed: fc.nat(3),
            lines: fc.array(line, { maxLength: 3 }),
            column: fc.nat(4),
          }),
          { maxLength: 8 },
        ),
        (lines, edits) => {
          const { service, uri } = openAt(lines.join('\n'));
          edits.forEach((edit, index) => {
            service.change(
              uri,
              [
                {
                  range: {
                    start: { line: edit.at, character: edit.column },
                    end: { line: edit.at + edit.removed, character: edit.column },
                  },
                  text: edit.lines.join('\n'),
                },
              ],
              index + 2,
            );
            service.diagnostics(uri);
          });
          const text = service.workspace.get(uri)?.document.text ?? '';
          const fresh = openAt(text);
          assert.deepEqual(service.diagnostics(uri), fresh.service.diagnostics(fresh.uri));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('come for any text, and every request about any position answers', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.nat(8),
        fc.nat(30),
        fc.constantFrom('aarch64', 'c', 'rust'),
        (parts, line, character, language) => {
          const { service, uri } = openAt(parts.join('').replaceAll('|', ''), {}, language);
          const position = { line, character };
          const whole = { start: { line: 0, character: 0 }, end: { line: 100, character: 0 } };
          service.diagnostics(uri);
          service.hover(uri, position);
          service.completion(uri, position);
          service.signatureHelp(uri, position);
          service.definition(uri, position);
          service.references(uri, position, true);
          service.highlights(uri, position);
          service.documentSymbols(uri);
          service.semanticTokens(uri);
          service.foldingRanges(uri);
          service.selectionRanges(uri, [position]);
          service.inlayHints(uri, whole);
          service.inlineValues(uri, whole, line);
          service.evaluatableExpression(uri, position);
          service.codeActions(uri, whole);
          service.format(uri);
          for (const lens of service.codeLenses(uri)) service.resolveLens(lens);
          for (const item of service.prepareCalls(uri, position)) {
            service.incomingCalls(item);
            service.outgoingCalls(item);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
