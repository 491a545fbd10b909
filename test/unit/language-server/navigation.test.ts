/** Definitions, references, rename, outline and calls (acceptance cases 50 to 58, 68, 75). */
import assert from 'node:assert/strict';
import { openAt } from './cases.ts';
import type { Opened } from './cases.ts';

const place = (uri: string, line: number): string => `${uri.slice('file:///w/'.length)}:${line}`;
const definitions = ({ service, uri, position }: Opened): string[] =>
  service.definition(uri, position).map((it) => place(it.uri, it.range.start.line));
const references = ({ service, uri, position }: Opened): string[] =>
  service
    .references(uri, position, true)
    .map((it) => place(it.uri, it.range.start.line))
    .sort();

const functionOf = (name: string): string =>
  `.global ${name}\n.type ${name}, %function\n${name}:\n`;

describe('definition', () => {
  it('of a numeric label is the next one in its direction', () => {
    assert.deepEqual(definitions(openAt('1: nop\nb 1f|\n1: nop')), ['main.S:2']);
    assert.deepEqual(definitions(openAt('1: nop\nb 1b|\n1: nop')), ['main.S:0']);
  });

  it('of a function in another file is its symbol macro, and .globl is a declaration', () => {
    const opened = openAt('bl memcp|y', {
      'lib.S': '.globl memcpy\nnop\nSYM_FUNC_START(memcpy)\nret\nSYM_FUNC_END(memcpy)\n',
    });
    assert.deepEqual(definitions(opened), ['lib.S:2']);
    assert.deepEqual(
      opened.service
        .declaration(opened.uri, opened.position)
        .map((it) => place(it.uri, it.range.start.line)),
      ['lib.S:0'],
    );
  });

  it('of an include is the file, and of a name its #define there', () => {
    const files = { 'c.h': '// constants\n#define SIZE 16\n' };
    assert.deepEqual(definitions(openAt('#include "c|.h"', files)), ['c.h:0']);
    assert.deepEqual(definitions(openAt('#include "c.h"\nmov x0, #SI|ZE', files)), ['c.h:1']);
  });

  it('of a macro, its parameter and a register alias', () => {
    assert.deepEqual(definitions(openAt('.macro m a\n mov x0, \\|a\n.endm\nm 1')), ['main.S:0']);
    assert.deepEqual(definitions(openAt('.macro m a\n.endm\n|m 1')), ['main.S:0']);
    assert.deepEqual(definitions(openAt('tmp .req x3\nmov tm|p, x0')), ['main.S:0']);
  });
});

describe('references', () => {
  it('of a numeric label leave out those of its namesakes', () => {
    assert.deepEqual(references(openAt('1|: nop\nb 1b\nb 1f\n1: nop\nb 1b')), [
      'main.S:0',
      'main.S:1',
    ]);
  });

  it('of a system register are its uses in assembly, asm strings and calls', () => {
    const files = {
      'a.S': 'msr mdscr_el1, x1\nmsr s2_0_c0_c2_2, x1\n',
      'b.c':
        'void f(void) {\n write_sysreg(0, mdscr_el1);\n asm("mrs %0, mdscr_el1" : "=r"(x));\n}\n',
    };
    assert.deepEqual(references(openAt('mrs x0, mdscr_el|1', files)), [
      'a.S:0',
      'a.S:1',
      'b.c:1',
      'b.c:2',
      'main.S:0',
    ]);
  });

  it('of a local label stay in its file', () => {
    assert.deepEqual(references(openAt('loo|p: b loop', { 'other.S': 'loop: b loop\n' })), [
      'main.S:0',
      'main.S:0',
    ]);
  });
});

describe('rename', () => {
  const renamed = (
    marked: string,
    name: string,
    files?: Readonly<Record<string, string>>,
  ): string[] => {
    const { service, uri, position } = openAt(marked, files);
    const changes = service.rename(uri, position, name)?.changes ?? {};
    return Object.entries(changes)
      .flatMap(([at, edits]) =>
        edits.map(({ range }) => `${place(at, range.start.line)}:${range.start.character}`),
      )
      .sort();
  };

  it('of a label that two files have changes one of them', () => {
    assert.deepEqual(renamed('lo|op: b loop', 'again', { 'other.S': 'loop: b loop\n' }), [
      'main.S:0:0',
      'main.S:0:8',
    ]);
  });

  it('of a global function changes every file that uses it', () => {
    assert.deepEqual(renamed('bl wor|k', 'labour', { 'lib.S': functionOf('work') }), [
      'lib.S:0:8',
      'lib.S:1:6',
      'lib.S:2:0',
      'main.S:0:3',
    ]);
  });

  it('of a macro changes its definition, calls and .purgem, but no label of that name', () => {
    assert.deepEqual(
      renamed('.macro sa|ve\n.endm\nsave\nb save\nsave: nop\n.purgem save', 'keep'),
      ['main.S:0:7', 'main.S:2:0', 'main.S:5:8'],
    );
  });

  it('refuses mnemonics, registers and names in use', () => {
    assert.throws(() => renamed('fo|o: b foo', 'add'), /is a mnemonic/);
    assert.throws(() => renamed('fo|o: b foo', 'x0'), /is a register/);
    assert.throws(() => renamed('fo|o: b foo\nbar: nop', 'bar'), /already defined/);
    assert.throws(() => renamed('mov x|0, x1', 'y'), /is a register/);
    assert.throws(() => renamed('m|ov x0, x1', 'y'), /is a mnemonic/);
  });
});

describe('outline', () => {
  const text = `.text\n${functionOf('f')}inner: nop\n1: nop\n.Lx: ret\n.macro m\n.endm\n.data\nvalue: .quad 1\n`;

  it('is sections, functions in them, and labels in those', () => {
    const { service, uri } = openAt(text);
    const [code, data] = service.documentSymbols(uri);
    assert.equal(code?.name, '.text');
    assert.deepEqual(
      code.children?.map(({ name }) => name),
      ['f'],
    );
    assert.deepEqual(
      code.children[0]?.children?.map(({ name }) => name),
      ['inner', 'm'],
    );
    assert.deepEqual(
      data?.children?.map(({ name }) => name),
      ['value'],
    );
  });

  it('shows local labels when the setting says so', () => {
    const { service, uri } = openAt(text);
    service.configure({ localLabelsInOutline: true });
    assert.match(JSON.stringify(service.documentSymbols(uri)), /"\.Lx"/);
  });
});

describe('workspace symbols', () => {
  it('are found by part of the name among 50,000', () => {
    const { service } = openAt(
      Array.from({ length: 50_000 }, (_, n) => `${n % 1000 === 0 ? 'spe_' : 'fn_'}${n}: nop`).join(
        '\n',
      ),
    );
    assert.equal(service.workspaceSymbols('spe_').length, 50);
  });
});

describe('call hierarchy', () => {
  const text = `vectors: b el1_sync\n${functionOf('el1_sync')}bl save\ncbz x0, out\n2: b 2b\nb handle\n${functionOf('save')}ret\n${functionOf('handle')}out: ret\n`;

  it('has the branches out of a function, and the vector slot that comes in', () => {
    const { service, uri } = openAt(text);
    const [item] = service.prepareCalls(uri, { line: 3, character: 2 });
    assert.equal(item?.name, 'el1_sync');
    assert.deepEqual(
      service.outgoingCalls(item).map(({ to }) => to.name),
      ['save', 'out', 'handle'],
    );
    assert.deepEqual(
      service.incomingCalls(item).map(({ fromRanges }) => fromRanges[0]?.start.line),
      [0],
    );
  });
});

describe('highlights', () => {
  it('of a register tell writes from reads, in both widths, inside the function', () => {
    const { service, uri, position } = openAt(
      `${functionOf('f')}mov w|3, #1\nadd x0, x3, x1\nret\n${functionOf('g')}mov x3, x0\nret\n`,
    );
    assert.deepEqual(
      service
        .highlights(uri, position)
        .map(({ range, kind }) => `${range.start.line}:${range.start.character} ${kind ?? 0}`),
      ['3:4 3', '4:8 2'],
    );
  });
});
