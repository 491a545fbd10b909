/** Hints, lenses, fixes, formatting, folding, colours and debugging aids (acceptance cases 49, 59 to 71). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { openAt } from './cases.ts';
import { applied } from './text-edits.ts';
import { tokenTypes } from '../../../language-server/features/presentation.ts';

const everything = { start: { line: 0, character: 0 }, end: { line: 1000, character: 0 } };

describe('inlay hints', () => {
  const hints = (text: string): string[] => {
    const { service, uri } = openAt(text);
    return service.inlayHints(uri, everything).map(({ label }) => (label as string).trim());
  };

  it('decode what a constant means to the register it goes to', () => {
    const [hint = ''] = hints('mov x0, #0x3520\nmsr tcr_el1, x0');
    assert.equal(hint, 'SH0=inner, ORGN0/IRGN0=WB, T0SZ=32');
  });

  it('name the bit that a branch looks at', () => {
    assert.deepEqual(hints('x: tst x0, #0x40\nb.ne x'), ['bit 6 set']);
  });
});

describe('code lenses', () => {
  it('stand above global functions and data', () => {
    const { service, uri } = openAt(
      '.global f\n.type f, %function\nf: ret\nb f\n.data\ncount: .word 0\n',
    );
    const titles = service.codeLenses(uri).map((lens) => service.resolveLens(lens).command?.title);
    assert.deepEqual(titles, [
      '1 reference',
      'Debug this',
      'Run to here',
      'Set breakpoint',
      'Disassemble',
      'Check ABI',
      '0 references',
      'Set hardware watchpoint',
      'Watch writes (hardware)',
    ]);
  });

  it('tell what the debugger knows: free slots and executions', () => {
    const { service, uri } = openAt(
      '.global f\n.type f, %function\nf: ret\n.data\ncount: .word 0\n',
    );
    service.setDebuggerFacts({
      symbols: new Map(),
      watchpoints: { free: 3, all: 4 },
      counts: new Map([['f', 1204]]),
    });
    const titles = service.codeLenses(uri).map(({ command }) => command?.title);
    assert.ok(titles.includes('Watch writes (hardware): 3 of 4 free'));
    assert.ok(titles.includes('executed 1,204 times'));
  });
});

describe('quick fixes', () => {
  const fixed = (text: string, title: RegExp): string => {
    const { service, uri } = openAt(text);
    const action = service.codeActions(uri, everything).find((it) => title.test(it.title));
    assert.ok(action, `no action ${title.source}`);
    return applied(text, action.edit?.changes?.[uri] ?? []);
  };

  it('build a wide constant', () => {
    assert.equal(
      fixed('  mov x0, #0x12345', /movz/),
      '  movz x0, #0x2345\n  movk x0, #0x1, lsl #16',
    );
    assert.equal(fixed('  mov x0, #0x12345', /literal/), '  ldr x0, =0x12345');
  });

  it('name an encoding, and back', () => {
    assert.equal(fixed('mrs x0, s3_0_c9_c9_0', /pmscr_el1/), 'mrs x0, pmscr_el1');
    assert.equal(fixed('mrs x0, pmscr_el1', /s3_0_c9_c9_0/), 'mrs x0, s3_0_c9_c9_0');
  });

  it('insert the missing isb', () => {
    assert.equal(fixed('  msr mdscr_el1, x0\n  ret', /isb/), '  msr mdscr_el1, x0\n  isb\n  ret');
  });

  it('correct a name', () => {
    assert.equal(fixed('mrs x0, mdscr_el', /mdscr_el1/), 'mrs x0, mdscr_el1');
  });
});

describe('formatting', () => {
  const format = (text: string): string => {
    const { service, uri } = openAt(text);
    return applied(text, service.format(uri));
  };

  it('puts mnemonics, operands and comments into columns', () => {
    assert.equal(
      format('f: mov x0,x1 // copy\n ret'),
      `${'f:      mov     x0,x1'.padEnd(40)}// copy\n        ret`,
    );
  });

  it('leaves macros, the preprocessor and several statements on a line alone', () => {
    const text = '.macro m a\nmov \\a\\(), #1\n.endm\n#define X 1\nnop; nop';
    assert.equal(format(text).split('\n').slice(1, 2).join(), 'mov \\a\\(), #1');
    assert.match(format(text), /#define X 1\nnop; nop$/);
  });

  it('changes nothing the second time, and nothing but blanks the first time', () => {
    const part = fc.constantFrom(
      'mov x0, #1',
      'label:',
      ' // c',
      '/* c */',
      ';',
      'str x0, [sp, #8]',
      '.quad 1, 2',
      '"a  b"',
      ' ',
      '\t',
      '\n',
      '\n',
      '.ascii "x // y"',
      'x = 4',
      '1:',
      '#define A  B',
      '\\a',
      'foo .req x1',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 25 }), (parts) => {
        const once = format(parts.join(''));
        assert.equal(format(once), once);
        assert.equal(once.replace(/[ \t]/g, ''), parts.join('').replace(/[ \t]/g, ''));
      }),
      { numRuns: 200 },
    );
  });
});

describe('folding', () => {
  it('covers macros, conditions, functions and comments', () => {
    const { service, uri } = openAt(
      '// a\n// b\n\n.macro m\nnop\n.endm\n.if 1\nnop\n.endif\n#if X\nnop\n#endif\n.global f\nf:\nnop\nret\n',
    );
    const ranges = service
      .foldingRanges(uri)
      .map(({ startLine, endLine }) => `${startLine}-${endLine}`);
    for (const range of ['0-1', '3-4', '6-7', '9-10', '13-15'])
      assert.ok(ranges.includes(range), `${range} in ${ranges.join(' ')}`);
  });
});

describe('semantic tokens', () => {
  it('mark what #if 0 takes out', () => {
    const { service, uri } = openAt('mov x0, x1\n#if 0\nmov x0, x1\n#endif\n');
    const { data } = service.semanticTokens(uri);
    const modifiers = data.filter((_, index) => index % 5 === 4);
    assert.equal(modifiers[0] ?? 0, 8);
    assert.ok(modifiers.some((it) => (it & 4) !== 0));
  });

  it('follow each other in order and tell registers from labels', () => {
    const { service, uri } = openAt('f: mrs x0, mdscr_el1 // c\nb f\n');
    const { data } = service.semanticTokens(uri);
    const types = data.filter((_, index) => index % 5 === 3).map((it) => tokenTypes[it]);
    assert.deepEqual(types, [
      'label',
      'function',
      'variable',
      'property',
      'comment',
      'function',
      'label',
    ]);
  });
});

describe('selection', () => {
  it('grows from word to operand, statement, line and file', () => {
    const { service, uri } = openAt('nop\n  ldr x0, [x1, #8] // c');
    let texts = 0;
    for (
      let range = service.selectionRanges(uri, [{ line: 1, character: 11 }])[0];
      range;
      range = range.parent
    )
      texts += 1;
    assert.equal(texts, 5);
  });
});

describe('while debugging', () => {
  it('registers of the lines up to the stop are evaluated', () => {
    const { service, uri } = openAt('.global f\nf:\nmov x9, #1\nadd x2, x0, x1\nadd x5, x6, x7\n');
    const values = service
      .inlineValues(uri, everything, 3)
      .map((it) => ('expression' in it ? it.expression : ''));
    assert.deepEqual(values, ['$x9', '$x2', '$x0', '$x1']);
  });

  it('memory operands, registers and data labels become expressions', () => {
    const expression = (marked: string): string | undefined => {
      const { service, uri, position } = openAt(marked);
      return service.evaluatableExpression(uri, position)?.expression;
    };
    assert.equal(expression('ldr x0, [x1, #16]|'), '*(unsigned long*)($x1+16)');
    assert.equal(expression('mov w|3, #1'), '$w3');
    assert.equal(expression('mrs x0, mdscr_el1|'), '$mdscr_el1');
    assert.equal(expression('foo: .quad 1\nend: nop\nadr x0, fo|o'), '*(unsigned long*)&foo');
  });
});
