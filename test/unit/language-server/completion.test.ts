/** What can stand at the cursor (acceptance cases 15 to 25) and signatures (26, 27). */
import assert from 'node:assert/strict';
import { completions, labels, openAt } from './cases.ts';

interface Case {
  readonly it: string;
  readonly at: string;
  readonly has: readonly string[];
  readonly lacks?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly language?: string;
}

const cases: readonly Case[] = [
  {
    it: 'readable registers after mrs',
    at: 'mrs x0, mds|',
    has: ['mdscr_el1', 'mdselr_el1', 'mdstepop_el1'],
    lacks: ['oslar_el1', 'mov', 'add'],
  },
  {
    it: 'writable registers and PSTATE fields after msr',
    at: 'msr |',
    has: ['daifset', 'mdscr_el1', 'oslar_el1'],
    lacks: ['midr_el1', 'mov'],
  },
  { it: 'conditions after b.', at: 'b.|', has: ['b.eq', 'b.hs', 'b.lo', 'b.nv'] },
  {
    it: 'X registers and sp after a bracket',
    at: 'base .req x7\nldr w0, [|',
    has: ['x0', 'sp', 'base'],
    lacks: ['w0', 'w1'],
  },
  {
    it: 'functions before labels after bl',
    at: '.global here\n.type here, %function\nhere: ret\n.Lx: nop\nbl |',
    has: ['here', 'there', '.Lx'],
    files: { 'other.S': '.global there\n.type there, %function\nthere: ret\n' },
  },
  { it: 'TLB operations', at: 'tlbi |', has: ['vmalle1is', 'vae1is', 'alle2'], lacks: ['mov'] },
  { it: 'symbol macros of kernels', at: 'SYM_|', has: ['SYM_FUNC_START', 'SYM_CODE_START'] },
  { it: 'directives', at: '.incl|', has: ['.include'] },
  { it: 'mnemonics of two letters and more', at: '  ld|', has: ['ldr', 'ldp', 'ldxr'] },
  { it: 'W registers where W is needed', at: 'add w0, w1, |', has: ['w2'], lacks: ['x2'] },
  {
    it: 'registers inside a string of asm',
    at: 'asm("mrs %0, mid|" : "=r"(v));',
    language: 'c',
    has: ['midr_el1'],
  },
  {
    it: 'registers in read_sysreg',
    at: 'x = read_sysreg(md|',
    language: 'c',
    has: ['mdscr_el1'],
    lacks: ['oslar_el1'],
  },
  {
    it: 'clobbers',
    at: 'asm volatile("nop" : : : "|");',
    language: 'c',
    has: ['memory', 'cc', 'x0', 'x30', 'v31'],
  },
];

describe('completion', () => {
  for (const { it: title, at, has, lacks = [], files, language } of cases) {
    it(`offers ${title}`, () => {
      const found = new Set(labels(completions(at, files, language)));
      assert.deepEqual(
        has.filter((name) => !found.has(name)),
        [],
        'missing',
      );
      assert.deepEqual(
        lacks.filter((name) => found.has(name)),
        [],
        'too many',
      );
    });
  }

  it('offers exactly the twelve options of dsb and no label', () => {
    assert.deepEqual(
      labels(completions('label: dsb |'))
        .filter((it) => !it.endsWith('nxs'))
        .sort(),
      'ish ishld ishst ld nsh nshld nshst osh oshld oshst st sy'.split(' ').sort(),
    );
  });

  it('says of each TLB operation whether it needs a register', () => {
    const items = completions('tlbi |');
    assert.equal(items.find(({ label }) => label === 'vmalle1is')?.detail, 'no register');
    assert.equal(items.find(({ label }) => label === 'vae1is')?.detail, 'needs Xt');
  });

  it('sorts functions of this file before those of others, and local labels last', () => {
    const items = completions('.global here\n.type here, %function\nhere: ret\n.Lx: nop\nbl |', {
      'other.S': '.global there\n.type there, %function\nthere: ret\n',
    });
    const order = [...items]
      .sort((a, b) => ((a.sortText ?? '') < (b.sortText ?? '') ? -1 : 1))
      .map(({ label }) => label);
    assert.deepEqual(
      order.filter((it) => /here|Lx/.test(it)),
      ['here', 'there', '.Lx'],
    );
  });

  it('inserts the end of a symbol macro with its start', () => {
    const item = completions('SYM_|').find(({ label }) => label === 'SYM_FUNC_START');
    assert.match(item?.insertText ?? '', /SYM_FUNC_START\(.*\n.*\nSYM_FUNC_END\(/s);
  });

  it("offers a macro's parameters after a backslash, and nothing else", () => {
    assert.deepEqual(labels(completions('.macro m first, second=1\n  mov x0, \\|\n.endm')), [
      'first',
      'second',
    ]);
  });

  it('accepts nothing by a typed character', () => {
    assert.ok(completions('mo|').every(({ commitCharacters }) => commitCharacters?.length === 0));
  });

  it('adds documentation when an item is chosen', () => {
    const { service, uri, position } = openAt('mrs x0, |');
    const item = service.completion(uri, position).items.find(({ label }) => label === 'mdscr_el1');
    assert.ok(item);
    assert.match(JSON.stringify(service.resolveCompletion(item).documentation), /MDE/);
  });

  it('leaves out registers that the chosen processor lacks', () => {
    const { service, uri, position } = openAt('mrs x0, |');
    service.configure({ cpu: 'cortex-a72' });
    const found = labels(service.completion(uri, position).items);
    assert.ok(found.includes('mdscr_el1'));
    assert.ok(!found.includes('pmscr_el1'));
  });
});

describe('signature help', () => {
  it('names the operands and their ranges, and marks the one being written', () => {
    const { service, uri, position } = openAt('ubfx x0, x1, |');
    const help = service.signatureHelp(uri, position);
    assert.equal(help?.signatures[0]?.label, 'ubfx Xd, Xn, #lsb, #width');
    assert.equal(help.activeParameter, 2);
    const text = JSON.stringify(help.signatures[0]);
    assert.match(text, /lsb 0-63; width 1-\(64-lsb\)/);
  });

  it('shows the parameters of a macro with their defaults', () => {
    const { service, uri, position } = openAt('.macro save a:req, b=0\n.endm\nsave x1, |');
    const help = service.signatureHelp(uri, position);
    assert.equal(help?.signatures[0]?.label, 'save a, b=0');
    assert.equal(help.activeParameter, 1);
  });
});
