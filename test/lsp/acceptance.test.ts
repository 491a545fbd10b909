/**
 * The acceptance cases for editing, by number, over the real server: what a client sends and what comes back.
 * `|` marks the cursor. Values are those of llvm-mc 19, GNU as 2.47 and the register tables.
 * Cases that need a guest are in debugging.test.ts.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type {
  CallHierarchyIncomingCall,
  CallHierarchyItem,
  CallHierarchyOutgoingCall,
  CodeAction,
  CodeLens,
  CompletionItem,
  CompletionList,
  DocumentSymbol,
  FoldingRange,
  Hover,
  InlayHint,
  Location,
  MarkupContent,
  SemanticTokens,
  SignatureHelp,
  TextEdit,
  WorkspaceEdit,
  WorkspaceSymbol,
} from 'vscode-languageserver';
import { applied } from '../unit/language-server/text-edits.ts';
import { Client, everywhere, summary } from './client.ts';
import type { OpenFile, OpenOptions } from './client.ts';

describe('acceptance cases of the language server', () => {
  let folder: string;
  let client: Client;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'acceptance-'));
    mkdirSync(path.join(folder, 'inc'));
    writeFileSync(path.join(folder, 'inc', 'registers.inc'), '.set LIMIT, 64\n');
    client = await Client.start(folder);
  });
  afterEach(async () => {
    await client.closeAll();
    await client.configure({});
  });
  after(async () => {
    await client.stop();
    rmSync(folder, { recursive: true });
  });

  async function hover(marked: string, options?: OpenOptions): Promise<string> {
    const found = await client.at<Hover | null>('hover', await client.open(marked, options));
    // Without the marks of bold text.
    return ((found?.contents as MarkupContent | undefined)?.value ?? '').replaceAll('**', '');
  }

  async function items(marked: string, options?: OpenOptions): Promise<CompletionItem[]> {
    const file = await client.open(marked, options);
    return (await client.at<CompletionList>('completion', file)).items;
  }

  const labels = (found: readonly CompletionItem[]): string[] => found.map(({ label }) => label);

  async function problems(text: string, options?: OpenOptions): Promise<string[]> {
    return summary(await client.open(text, options));
  }

  function actions({ uri }: OpenFile, line: number, character = 0): Promise<CodeAction[]> {
    return client.of(
      'codeAction',
      { uri },
      {
        range: { start: { line, character }, end: { line, character: character + 40 } },
        context: { diagnostics: [] },
      },
    );
  }

  const fixed = ({ uri, text }: OpenFile, action: CodeAction | undefined): string =>
    applied(text, action?.edit?.changes?.[uri] ?? []);

  function holds(text: string, parts: readonly (string | RegExp)[]): void {
    for (const part of parts) {
      if (typeof part === 'string') assert.ok(text.includes(part), `"${part}" is not in:\n${text}`);
      else assert.match(text, part);
    }
  }

  describe('hover', () => {
    const table: readonly [number, string, string, readonly (string | RegExp)[], OpenOptions?][] = [
      [
        1,
        'a system register with its fields',
        'mrs x0, mdscr|_el1',
        [
          'MDSCR_EL1',
          /op0=2 op1=0 CRn=0 CRm=2 op2=2/,
          'S2_0_C0_C2_2',
          'RW',
          /debug/i,
          '| [0] | SS |',
          '| [12] | TDCC |',
          '| [13] | KDE |',
          '| [14] | HDE |',
          '| [15] | MDE |',
        ],
      ],
      [
        2,
        'a generic name',
        'mrs x0, s3_0_c9_c9|_7',
        ['PMSIDR_EL1 (generic name)', 'RO', 'FEAT_SPE'],
      ],
      [
        3,
        'the constant that goes into a register',
        'movz x1, #0xA001\nmsr mdscr_el1, x1|',
        ['0xA001 = ', 'SS=1', 'KDE=1', 'MDE=1'],
      ],
      [
        4,
        'a syndrome in data',
        '.quad 0x96000045| // esr',
        [/EC=0x25/, /current EL/i, /IL=1/, /translation fault.*level 1/i, /WnR=1/],
      ],
      [
        5,
        'a condition and who set the flags',
        'cmp x0, x1\nb.hi| 1f\n1: ret',
        ['unsigned higher', 'C==1 && Z==0', 'cmp x0, x1'],
      ],
      [6, 'x19', 'mov x19|, x0', ['64-bit general register', 'callee-saved (AAPCS64)']],
      [6, 'x18', 'mov x18|, x0', ['platform register: do not use']],
      [6, 'x16', 'mov x16|, x0', ['IP0', 'veneers']],
      [7, 'an instruction in data', '.word 0xd5100240|', [/msr\s+mdscr_el1, x0/i]],
      [
        8,
        'an encoding with its note',
        'add| x0, x1, #4096',
        ['0x91400420', 'encoded as #1, lsl #12'],
      ],
      [
        9,
        'a barrier option',
        'dsb is|h',
        ['inner shareable', /all accesses|reads and writes/, '0b1011'],
      ],
      [
        10,
        'a TLB operation',
        'tlbi vmalle1i|s',
        [/op1=?\s?0/, /CRn=?\s?8/, /CRm=?\s?3/, /op2=?\s?0/, /no register/],
      ],
      [
        11,
        'a label with its comment',
        '// first\n// second\n// third\nfoo: nop\n nop\nbar: b foo|\n b foo',
        ['first', 'second', 'third', '8 bytes', /references?/],
      ],
      [
        12,
        'a constant of the preprocessor',
        '#define FOO (1 << 3)\nmov x0, #FO|O',
        ['FOO', '(1 << 3) = 8 = 0x8', /\.S:1\]\(file:/],
      ],
      [
        13,
        'values of fields',
        'mrs x0, trblimitr_el1|',
        [
          '| [63:12] | LIMIT |',
          'XE',
          'nVM',
          '| [4:3] | TM |',
          '| [2:1] | FM |',
          '| [0] | E |',
          /0[^0-9]*fill/i,
          /1[^0-9]*wrap/i,
          /3[^0-9]*circular/i,
        ],
      ],
    ];
    for (const [id, title, text, parts, options] of table) {
      it(`${id}: shows ${title}`, async () => {
        holds(await hover(text, options), parts);
      });
    }

    it('1: covers the name', async () => {
      const file = await client.open('mrs x0, mdscr|_el1');
      assert.deepEqual((await client.at<Hover>('hover', file)).range, {
        start: { line: 0, character: 8 },
        end: { line: 0, character: 17 },
      });
    });

    it('8: is the same on the immediate', async () => {
      holds(await hover('add x0, x1, #4096|'), ['0x91400420', 'encoded as #1, lsl #12']);
    });

    it('14: shows the same card in C', async () => {
      const c = { languageId: 'c' };
      assert.equal(
        await hover('u64 v = read_sysreg(pmscr_el|1);', c),
        await hover('mrs x0, pmscr_el1|'),
      );
      assert.equal(
        await hover('u64 v = read_sysreg_s(SYS_PMSIDR_EL1|);', c),
        await hover('mrs x0, pmsidr_el1|'),
      );
    });
  });

  describe('completion', () => {
    it('15: offers readable system registers after mrs', async () => {
      const found = labels(await items('mrs x0, mds|'));
      for (const name of ['mdscr_el1', 'mdselr_el1', 'mdstepop_el1'])
        assert.ok(found.includes(name), name);
      for (const name of ['oslar_el1', 'add', 'mov']) assert.ok(!found.includes(name), name);
    });

    it('16: offers writable system registers and PSTATE fields after msr', async () => {
      const found = labels(await items('msr |'));
      for (const name of ['daifset', 'mdscr_el1', 'oslar_el1'])
        assert.ok(found.includes(name), name);
      assert.ok(!found.includes('midr_el1'));
    });

    it('17: offers the twelve options of dsb, and those with nXS where FEAT_XS is', async () => {
      const twelve = 'sy st ld ish ishst ishld nsh nshst nshld osh oshst oshld'.split(' ').sort();
      await client.configure({ cpu: 'cortex-a72' });
      assert.deepEqual(labels(await items('here: dsb |')).sort(), twelve);
      await client.configure({ cpu: 'max' });
      const all = labels(await items('here: dsb |'));
      assert.deepEqual(all.filter((it) => !/nxs$/.test(it)).sort(), twelve);
      assert.deepEqual(all.filter((it) => /nxs$/.test(it)).sort(), [
        'ishnxs',
        'nshnxs',
        'oshnxs',
        'synxs',
      ]);
    });

    it('18: offers the conditions after b.', async () => {
      const found = await items('b.|');
      const names = new Set(labels(found).map((it) => it.replace('b.', '')));
      for (const name of 'eq ne cs hs cc lo mi pl vs vc hi ls ge lt gt le al nv'.split(' ')) {
        assert.ok(names.has(name), name);
      }
      assert.match(found.find(({ label }) => label === 'b.hi')?.detail ?? '', /C==1 && Z==0/);
      assert.ok(client.capabilities.completionProvider?.triggerCharacters?.includes('.'));
    });

    it('19: offers X registers, sp and aliases as a base', async () => {
      const found = labels(await items('base .req x3\nldr w0, [|'));
      for (const name of ['x0', 'x30', 'sp', 'base']) assert.ok(found.includes(name), name);
      assert.ok(!found.some((it) => /^w\d/.test(it)));
    });

    it('20: offers functions before labels', async () => {
      await client.open('.global elsewhere\n.type elsewhere, %function\nelsewhere: ret\n');
      const found = await items(
        '.global mine\n.type mine, %function\nmine: nop\n.Lhere: bl |\n ret\n',
      );
      const order = found
        .filter(({ label }) => ['mine', 'elsewhere', '.Lhere'].includes(label))
        .sort((a, b) => ((a.sortText ?? '') < (b.sortText ?? '') ? -1 : 1))
        .map(({ label }) => label);
      assert.deepEqual(order, ['mine', 'elsewhere', '.Lhere']);
    });

    it('21: offers the TLB operations of the processor', async () => {
      const all = await items('tlbi |');
      assert.ok(all.length >= 166, `${all.length} operations`);
      assert.match(all.find(({ label }) => label === 'vae1is')?.detail ?? '', /needs Xt/);
      assert.match(all.find(({ label }) => label === 'vmalle1is')?.detail ?? '', /no register/);
      await client.configure({ cpu: 'cortex-a72' });
      const fewer = labels(await items('tlbi |'));
      assert.ok(fewer.includes('vae1is') && fewer.length < all.length);
      assert.ok(!fewer.includes('rvae1is'), 'TLBI RVAE1IS needs FEAT_TLBIRANGE');
    });

    it('22: offers symbol macros with their ends', async () => {
      const found = (await items('SYM_|')).find(({ label }) => label === 'SYM_FUNC_START');
      holds(found?.insertText ?? '', ['SYM_FUNC_START(${1', 'SYM_FUNC_END(${1']);
    });

    it('23: offers the parameters of the macro, and nothing else', async () => {
      assert.deepEqual(labels(await items('.macro save reg, slot=0\n str \\|\n.endm\n')).sort(), [
        'reg',
        'slot',
      ]);
    });

    it('24: offers directives, and paths of the include folders', async () => {
      assert.ok(labels(await items('.incl|')).includes('.include'));
      await client.configure({ includeFolders: ['inc'] });
      for (let attempt = 0; ; attempt += 1) {
        if (labels(await items('.include "|"')).includes('registers.inc')) break;
        assert.ok(attempt < 100, 'registers.inc is never offered');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });

    it('25: accepts no item by a typed character', async () => {
      for (const { commitCharacters } of await items('ad|')) {
        assert.deepEqual(commitCharacters, []);
      }
    });
  });

  describe('signature help', () => {
    const signature = async (marked: string): Promise<SignatureHelp> => {
      const found = await client.at<SignatureHelp | null>(
        'signatureHelp',
        await client.open(marked),
      );
      assert.ok(found);
      return found;
    };

    it('26: names operands and ranges', async () => {
      const { signatures, activeParameter } = await signature('ubfx x0, x1, |');
      assert.equal(signatures[0]?.label, 'ubfx Xd, Xn, #lsb, #width');
      assert.equal(activeParameter, 2);
      holds(JSON.stringify(signatures[0]), [/lsb 0-63/, /width 1-\(64-lsb\)/]);
    });

    it('27: names the parameters of a macro', async () => {
      const { signatures, activeParameter } = await signature(
        '.macro save a:req, b=0\n.endm\nsave x1, |',
      );
      assert.equal(signatures[0]?.label, 'save a, b=0');
      assert.equal(activeParameter, 1);
    });
  });

  describe('diagnostics', () => {
    const f = '.global f\n.type f, %function\nf:\n';
    const table: readonly [number, string, readonly string[], { readonly cpu?: string }?][] = [
      [28, 'mrs x0, mdscr_el', ['sysreg-unknown@0:mdscr_el']],
      [29, 'msr midr_el1, x0', ['sysreg-readonly@0:midr_el1']],
      [30, 'mrs x0, oslar_el1', ['sysreg-writeonly@0:oslar_el1']],
      [31, 'mrs w0, mdscr_el1', ['reg-width@0:w0']],
      [32, 'add x0, w1, x2', ['reg-width@0:w1']],
      [32, 'add x0, x1, w2, uxtw', []],
      [33, 'add x0, x1, #4097', ['imm-range@0:#4097']],
      [33, 'add x0, x1, #4096', []],
      [34, 'ldr x0, [x1, #32760]', []],
      [34, 'ldr x0, [x1, #32761]', ['imm-range@0:#32761']],
      [35, 'mov x0, #0x12345', ['imm-mov@0:#0x12345']],
      [35, 'mov x0, #0xffff0000ffff0000', []],
      [36, 'and x0, x1, #5', ['imm-bitmask@0:#5']],
      [36, 'and x0, x1, #0xff00', []],
      [37, 'movz x0, #1, lsl #8', ['imm-shift@0:lsl #8']],
      [38, 'tbz w0, #40, 1f\n1:', ['imm-range@0:#40']],
      [38, 'tbz x0, #40, 1f\n1:', []],
      [39, 'msr daifset, #16', ['imm-range@0:#16']],
      [39, 'msr spsel, #2', ['imm-range@0:#2']],
      [40, 'ic ialluis, x0', ['operand-extra@0:x0']],
      [40, 'ic ivau', ['operand-missing@0:ivau']],
      [41, 'ldp x0, x0, [sp], #16', ['unpredictable@0:x0']],
      [41, 'ldr x0, [x0], #8', ['unpredictable-writeback@0:x0']],
      [42, 'msr mdscr_el1, x0\nret', ['isb-missing@0:msr mdscr_el1, x0']],
      [42, 'msr mdscr_el1, x0\nisb\nret', []],
      [42, `msr mdscr_el1, x0\n${'nop\n'.repeat(7)}isb\nret`, []],
      [42, 'msr sctlr_el1, x0\nb .', ['isb-missing@0:msr sctlr_el1, x0']],
      [43, 'b.eq far\n.space 0x100000\nfar:', ['branch-range@0:far']],
      [43, 'b.eq near\n.space 0xffff8\nnear:', []],
      [43, 'tbz x0, #1, far\n.space 0x8000\nfar:', ['branch-range@0:far']],
      [44, `${f} mov x19, x0\n ret\n`, ['aapcs-callee-saved@3:x19']],
      [44, `${f} str x19, [sp, #-16]!\n mov x19, x0\n ldr x19, [sp], #16\n ret\n`, []],
      [
        44,
        `${f} stp x29, x30, [sp, #-32]!\n ldp x29, x30, [sp], #16\n ret\n`,
        ['aapcs-stack@5:ret'],
      ],
      [45, 'sub sp, sp, #8', ['aapcs-sp-align16@0:#8']],
      [46, 'mrs x0, pmscr_el1', ['feature-missing@0:pmscr_el1'], { cpu: 'cortex-a72' }],
      [46, 'ldadd w0, w1, [x2]', ['feature-missing@0:ldadd'], { cpu: 'cortex-a72' }],
      [46, 'mrs x0, pmscr_el1\nldadd w0, w1, [x2]', []],
      [47, 'bl nowhere', ['symbol-undefined@0:nowhere']],
      [47, '.extern nowhere\nbl nowhere', []],
      [48, 'foo .req x3\nmov foo, #1', []],
      [48, 'foo .req x3\n.unreq foo\nmov foo, #1', ['operand-kind@2:foo']],
      [49, '#if 0\nthis is not assembly\n#endif\n', []],
    ];
    for (const [id, text, gives, settings] of table) {
      const on = settings?.cpu === undefined ? '' : ` on ${settings.cpu}`;
      const what =
        gives.length === 0 ? 'none' : gives.map((it) => it.replace(/@.*$/s, '')).join(', ');
      const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
      it(`${id}: ${shown}${on} gives ${what}`, async () => {
        if (settings) await client.configure(settings);
        assert.deepEqual(await problems(text), gives);
      });
    }

    const severities: readonly [number, string, number, { readonly cpu?: string }?][] = [
      [28, 'mrs x0, mdscr_el', 1],
      [29, 'msr midr_el1, x0', 1],
      [39, 'msr spsel, #2', 2],
      [41, 'ldp x0, x0, [sp], #16', 2],
      [41, 'ldr x0, [x0], #8', 1],
      [42, 'msr mdscr_el1, x0\nret', 4],
      [44, `${f} mov x19, x0\n ret\n`, 2],
      [45, 'sub sp, sp, #8', 2],
      [46, 'mrs x0, pmscr_el1', 3, { cpu: 'cortex-a72' }],
      [46, 'ldadd w0, w1, [x2]', 2, { cpu: 'cortex-a72' }],
      [47, 'bl nowhere', 3],
    ];
    for (const [id, text, severity, settings] of severities) {
      const name = ['', 'error', 'warning', 'information', 'hint'][severity] ?? '';
      it(`${id}: the severity of ${JSON.stringify(text.slice(-40))} is ${name}`, async () => {
        if (settings) await client.configure(settings);
        const { diagnostics } = await client.open(text);
        assert.deepEqual(
          diagnostics.map((it) => it.severity),
          [severity],
        );
      });
    }

    const messages: readonly [number, string, readonly RegExp[], { readonly cpu?: string }?][] = [
      [28, 'mrs x0, mdscr_el', [/unknown system register/i, /mdscr_el1/]],
      [31, 'mrs w0, mdscr_el1', [/X register/]],
      [33, 'add x0, x1, #4097', [/0-4095/, /multiple of 4096/, /0xfff000/]],
      [34, 'ldr x0, [x1, #32761]', [/0-32760 step 8/, /-256(?:\.\.|-)255/]],
      [36, 'and x0, x1, #5', [/0x4/, /0x6/]],
      [37, 'movz x0, #1, lsl #8', [/0, 16, 32 or 48/]],
      [38, 'tbz w0, #40, 1f\n1:', [/0-31/]],
      [39, 'msr daifset, #16', [/0-15/]],
      [46, 'mrs x0, pmscr_el1', [/FEAT_SPE/], { cpu: 'cortex-a72' }],
      [46, 'ldadd w0, w1, [x2]', [/FEAT_LSE/], { cpu: 'cortex-a72' }],
    ];
    for (const [id, text, parts, settings] of messages) {
      it(`${id}: the message of ${JSON.stringify(text)} says why`, async () => {
        if (settings) await client.configure(settings);
        const { diagnostics } = await client.open(text);
        for (const part of parts) assert.match(JSON.stringify(diagnostics[0]?.message), part);
      });
    }

    it('28: has the register that was meant as a quick fix', async () => {
      const file = await client.open('mrs x0, mdscr_el');
      const fix = (await actions(file, 0)).find(({ kind }) => kind === 'quickfix');
      assert.equal(fixed(file, fix), 'mrs x0, mdscr_el1');
    });

    it('47: a symbol that another file exports is no problem', async () => {
      await client.open('.global elsewhere\nelsewhere: ret\n');
      assert.deepEqual(await problems('bl elsewhere'), []);
    });

    it('49: what #if 0 takes out is greyed', async () => {
      const file = await client.open('nop\n#if 0\nnop\n#endif\n');
      const { data } = await client.of<SemanticTokens>('semanticTokens/full', file);
      const legend = client.capabilities.semanticTokensProvider?.legend.tokenModifiers ?? [];
      const rows = new Map<number, number>();
      for (let at = 0, line = 0; at < data.length; at += 5) {
        line += data[at] ?? 0;
        rows.set(line, data[at + 4] ?? 0);
      }
      const greyed = [...rows].filter(([, bits]) =>
        legend.some((name, bit) => name === 'inactive' && (bits & (1 << bit)) !== 0),
      );
      assert.deepEqual(
        greyed.map(([line]) => line),
        [2],
      );
    });
  });

  describe('navigation', () => {
    const lines = (found: readonly Location[]): number[] =>
      found.map(({ range }) => range.start.line).sort((a, b) => a - b);

    it('50: numeric labels go to the nearest in their direction', async () => {
      const below = await client.open('1: nop\nb 1f|\nb 1b\n1: nop\n');
      assert.deepEqual(lines(await client.at('definition', below)), [3]);
      const above = await client.open('1: nop\nb 1f\nb 1b|\n1: nop\n');
      assert.deepEqual(lines(await client.at('definition', above)), [0]);
      const references = await client.at<Location[]>('references', above, {
        context: { includeDeclaration: true },
      });
      assert.deepEqual(lines(references), [0, 2]);
    });

    it('51: a call goes to the symbol macro in another file; .globl is a declaration', async () => {
      const other = await client.open('SYM_FUNC_START(memcpy)\n ret\nSYM_FUNC_END(memcpy)\n');
      const file = await client.open('.globl memcpy\nbl memcpy|\n');
      const [place] = await client.at<Location[]>('definition', file);
      assert.deepEqual([place?.uri, place?.range.start.line], [other.uri, 0]);
      const [declaration] = await client.at<Location[]>('declaration', file);
      assert.deepEqual([declaration?.uri, declaration?.range.start.line], [file.uri, 0]);
    });

    it('52: a label that two files have is renamed in one', async () => {
      await client.open('b loop\nloop: b loop\n');
      const file = await client.open('loop|: b loop\n');
      const { changes } = await client.at<WorkspaceEdit>('rename', file, { newName: 'again' });
      assert.deepEqual(Object.keys(changes ?? {}), [file.uri]);
      assert.equal(changes?.[file.uri]?.length, 2);
    });

    it('53: mnemonics and registers are refused', async () => {
      const label = await client.open('foo|: b foo\n');
      await assert.rejects(client.at('rename', label, { newName: 'add' }), /is a mnemonic/);
      const register = await client.open('mov x0|, x1\n');
      await assert.rejects(client.at('prepareRename', register), /is a register/);
    });

    it('54: a macro is renamed with its calls and .purgem, and no label', async () => {
      const file = await client.open('.macro foo|\n.endm\nfoo\nfoo: nop\nb foo\n.purgem foo\n');
      const { changes } = await client.at<WorkspaceEdit>('rename', file, { newName: 'bar' });
      assert.equal(
        applied(file.text, changes?.[file.uri] ?? []),
        '.macro bar\n.endm\nbar\nfoo: nop\nb foo\n.purgem bar\n',
      );
    });

    it('55: references of a system register are in assembly and in C', async () => {
      const c = await client.open(
        'u64 v = read_sysreg(mdscr_el1);\nwrite_sysreg(v, mdscr_el1);\n',
        { languageId: 'c' },
      );
      const other = await client.open('msr mdscr_el1, x0\nisb\n');
      const file = await client.open('mrs x0, mdscr|_el1\n');
      const found = await client.at<Location[]>('references', file, {
        context: { includeDeclaration: true },
      });
      assert.deepEqual(
        [c, other, file].map(({ uri }) => found.filter((it) => it.uri === uri).length),
        [2, 1, 1],
      );
    });

    it('55: references are found in C files that are not open', async () => {
      writeFileSync(
        path.join(folder, 'closed.c'),
        'int f(void) { return read_sysreg(osdlr_el1); }\n',
      );
      await client.connection.sendNotification('workspace/didChangeWatchedFiles', {
        changes: [{ uri: client.uriOf('closed.c'), type: 1 }],
      });
      const file = await client.open('mrs x0, osdlr|_el1\n');
      const found = await client.at<Location[]>('references', file, {
        context: { includeDeclaration: true },
      });
      assert.deepEqual(
        found.map(({ uri }) => uri).sort(),
        [client.uriOf('closed.c'), file.uri].sort(),
      );
    });

    it('56: calls of an exception handler', async () => {
      const file = await client.open(
        [
          '.global el1_sync',
          '.type el1_sync, %function',
          'vectors:',
          ' b el1_sync',
          'other: nop',
          'el1_sync|:',
          ' bl helper',
          ' b tail',
          '.global helper',
          '.type helper, %function',
          'helper: ret',
          '.global tail',
          '.type tail, %function',
          'tail: ret',
        ].join('\n'),
      );
      const [item] = await client.at<CallHierarchyItem[]>('prepareCallHierarchy', file);
      assert.equal(item?.name, 'el1_sync');
      const incoming = await client.connection.sendRequest<CallHierarchyIncomingCall[]>(
        'callHierarchy/incomingCalls',
        { item },
      );
      assert.deepEqual(
        incoming.flatMap(({ fromRanges }) => fromRanges.map(({ start }) => start.line)),
        [3],
      );
      const outgoing = await client.connection.sendRequest<CallHierarchyOutgoingCall[]>(
        'callHierarchy/outgoingCalls',
        { item },
      );
      assert.deepEqual(outgoing.map(({ to }) => to.name).sort(), ['helper', 'tail']);
    });

    const outlined =
      '.text\n.macro save\n.endm\n.global f\n.type f, %function\nf: nop\ninner: nop\n1: nop\n.Lx: b 1b\n';

    it('57: the outline is section, function, label', async () => {
      const file = await client.open(outlined);
      const [section] = await client.of<DocumentSymbol[]>('documentSymbol', file);
      assert.equal(section?.name, '.text');
      const macro = section.children?.find(({ name }) => name === 'save');
      assert.equal(macro?.kind, 12);
      const named = section.children?.find(({ name }) => name === 'f');
      assert.deepEqual(
        named?.children?.map(({ name }) => name),
        ['inner'],
      );
    });

    it('57: local labels are in the outline when the setting says so', async () => {
      await client.configure({ localLabelsInOutline: true });
      const file = await client.open(outlined);
      const text = JSON.stringify(await client.of('documentSymbol', file));
      holds(text, ['"1"', '".Lx"']);
    });

    it('58: 50,000 symbols are searched; the bench has the time', async () => {
      const file = await client.open(
        Array.from(
          { length: 50_000 },
          (_, n) => `${n % 1000 === 7 ? 'spe_' : 'sym_'}${n}: nop`,
        ).join('\n'),
      );
      const query = (): Promise<WorkspaceSymbol[]> =>
        client.connection.sendRequest('workspace/symbol', { query: 'spe_' });
      const found = await query();
      assert.equal(found.filter(({ location }) => location.uri === file.uri).length, 50);
    });
  });

  describe('hints, lenses, actions and formatting', () => {
    const hints = async (text: string): Promise<string[]> => {
      const file = await client.open(text);
      const found = await client.of<InlayHint[]>('inlayHint', file, { range: everywhere });
      return found.map(({ position, label }) => `${position.line}:${(label as string).trim()}`);
    };

    it('59: a constant is decoded where it is written', async () => {
      const [hint = ''] = await hints('mov x0, #0x3520\nmsr tcr_el1, x0\nisb\n');
      holds(hint, [/^1:/, /SH0=inner/i, /ORGN0[^,]*=WB/i, /IRGN0[^,]*=WB/i, 'T0SZ=32']);
    });

    it('61: the bit that a branch looks at', async () => {
      assert.deepEqual(await hints('tst x0, #0x40\nb.ne x\nx: ret\n'), ['1:bit 6 set']);
    });

    const lensTitles = async (text: string): Promise<Map<number, string[]>> => {
      const file = await client.open(text);
      const found = await client.of<CodeLens[]>('codeLens', file);
      const titles = new Map<number, string[]>();
      for (const lens of found) {
        const resolved = lens.command
          ? lens
          : await client.connection.sendRequest<CodeLens>('codeLens/resolve', lens);
        const line = lens.range.start.line;
        titles.set(line, [...(titles.get(line) ?? []), resolved.command?.title ?? '']);
      }
      return titles;
    };

    it('62: lenses above functions, tests and data', async () => {
      const titles = await lensTitles(
        '.global f\n.type f, %function\nf: ret\n.global UT_foo\n.type UT_foo, %function\nUT_foo: bl f\n ret\n.data\nvalue: .quad 1\n',
      );
      for (const title of [
        '1 reference',
        'Run to here',
        'Set breakpoint',
        'Disassemble',
        'Debug this',
      ])
        assert.ok(titles.get(2)?.includes(title), title);
      for (const title of ['Run test', 'Debug test'])
        assert.ok(titles.get(5)?.includes(title), title);
      assert.ok(titles.get(8)?.some((it) => it.startsWith('Watch writes (hardware)')));
    });

    it('64: a wide constant is built or loaded', async () => {
      const file = await client.open('mov x0, #0x12345');
      const [build, load] = await actions(file, 0);
      assert.equal(fixed(file, build), 'movz x0, #0x2345\nmovk x0, #0x1, lsl #16');
      assert.equal(fixed(file, load), 'ldr x0, =0x12345');
    });

    it('65: a name and its encoding replace each other', async () => {
      const file = await client.open('mrs x0, s3_0_c9_c9_0');
      const action = (await actions(file, 0)).find(({ title }) => /use/i.test(title));
      assert.equal(fixed(file, action), 'mrs x0, pmscr_el1');
      const named = await client.open('mrs x0, pmscr_el1');
      const back = (await actions(named, 0)).find(({ title }) => /use/i.test(title));
      assert.equal(fixed(named, back), 'mrs x0, s3_0_c9_c9_0');
    });

    it('66: the missing isb is inserted', async () => {
      const file = await client.open('        msr mdscr_el1, x0\n        ret\n');
      const action = (await actions(file, 0, 8)).find(({ title }) => /isb/i.test(title));
      assert.equal(fixed(file, action), '        msr mdscr_el1, x0\n        isb\n        ret\n');
    });

    it('67: formatting puts text into columns, and a second time changes nothing', async () => {
      const options = { options: { tabSize: 8, insertSpaces: true } };
      const file = await client.open('  foo: mov x0,#1 // one\n ldr x1,[x0]\n');
      const once = applied(file.text, await client.of<TextEdit[]>('formatting', file, options));
      assert.equal(
        once,
        'foo:    mov     x0,#1                   // one\n        ldr     x1,[x0]\n',
      );
      const again = await client.open(once);
      assert.deepEqual(await client.of('formatting', again, options), []);
    });

    it('68: macros, conditions, functions and comments fold', async () => {
      const file = await client.open(
        [
          '// one',
          '// two',
          '.macro m',
          ' nop',
          '.endm',
          '.if 1',
          ' nop',
          '.endif',
          '#if A',
          ' nop',
          '#endif',
          'SYM_FUNC_START(g)',
          ' nop',
          ' ret',
          'SYM_FUNC_END(g)',
        ].join('\n'),
      );
      const found = await client.of<FoldingRange[]>('foldingRange', file);
      const ranges = found.map(({ startLine, endLine }) => `${startLine}-${endLine}`);
      for (const range of ['0-1', '2-3', '5-6', '8-9', '11-14'])
        assert.ok(ranges.includes(range), `${range} is not in ${ranges.join(' ')}`);
    });
  });

  describe('assembly in C', () => {
    const c = { languageId: 'c' };

    it('75: hovers and completes inside the string', async () => {
      holds(await hover('asm volatile("mrs %0, midr_el|1" : "=r"(v));', c), ['MIDR_EL1']);
      assert.ok(
        labels(await items('asm volatile("mrs %0, mid|" : "=r"(v));', c)).includes('midr_el1'),
      );
    });

    it('75: finds the problem at its column through joined strings', async () => {
      assert.deepEqual(
        await problems('asm volatile("nop\\n\\t"\n             "msr midr_el1, %0" :: "r"(v));', c),
        ['sysreg-readonly@1:midr_el1'],
      );
    });

    it('76: hints at the width of an operand, and completes clobbers', async () => {
      assert.deepEqual(
        await problems(
          'void f(unsigned long u64var, unsigned int u32var)\n{\n  asm("mov %w0, %1" : "=r"(u64var) : "r"(u32var));\n}\n',
          c,
        ),
        ['operand-width@2:%1'],
      );
      const found = labels(await items('asm("nop" : : : "|");', c));
      for (const name of ['x0', 'x30', 'v0', 'v31', 'cc', 'memory'])
        assert.ok(found.includes(name), name);
      assert.deepEqual(
        await problems('asm("nop" : : : "x0", "x30", "v0", "v31", "cc", "memory");', c),
        [],
      );
    });
  });
});
