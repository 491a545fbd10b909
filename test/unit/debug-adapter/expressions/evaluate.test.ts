/** Expressions against what gdb 13.1 printed for them at a stop of the fixture on QEMU. */
import assert from 'node:assert/strict';
import { compileExpression } from '../../../../debug-adapter/expressions/compile.ts';
import { compileCondition } from '../../../../debug-adapter/expressions/condition.ts';
import type { RegisterHandle } from '../../../../debug-adapter/expressions/context.ts';
import { DebugInfoContext } from '../../../../debug-adapter/expressions/debug-info-context.ts';
import { ExpressionError } from '../../../../debug-adapter/expressions/expression-error.ts';
import { formatValue } from '../../../../debug-adapter/expressions/format-value.ts';
import { childCount, children } from '../../../../debug-adapter/expressions/children.ts';
import { setValue } from '../../../../debug-adapter/expressions/parse-value.ts';
import { typeName } from '../../../../debug-adapter/symbols/types.ts';
import { fixtureInfo, recordedMemory, recordedStops, unwindStop } from '../symbols/fixtures.ts';

function contextAt(name: string, stopNumber: number) {
  const info = fixtureInfo(name);
  const stop = recordedStops(name)[stopNumber];
  assert.ok(stop);
  const written = new Map<bigint, number>();
  const recorded = recordedMemory(info, stop);
  const readMemory = (address: bigint, length: number): Uint8Array | undefined => {
    const bytes = recorded(address, length);
    if (bytes === undefined || written.size === 0) return bytes;
    return bytes.map((byte, i) => written.get(address + BigInt(i)) ?? byte);
  };
  const [frame] = unwindStop(info, stop, 1);
  assert.ok(frame);
  const registers = new Map<string, bigint>(
    Object.entries(stop.registers).map(([register, value]) => [register, BigInt(value)]),
  );
  let MDSCR_EL1 = 0xa000n;
  const register = (asked: string): RegisterHandle | undefined => {
    const key = asked.toLowerCase();
    if (key === 'mdscr_el1') {
      return {
        name: 'MDSCR_EL1',
        byteSize: 8,
        kind: 'unsigned',
        read: () => MDSCR_EL1,
        write: (value) => (MDSCR_EL1 = value),
        fields: [
          { name: 'MDE', lsb: 15, width: 1 },
          { name: 'KDE', lsb: 13, width: 1 },
          { name: 'SS', lsb: 0, width: 1 },
        ],
      };
    }
    if (key === 'v0') {
      return {
        name: 'v0',
        byteSize: 16,
        kind: 'vector',
        read: () => 0x4000_0000_0000_0000_3ff8_0000_0000_0000n,
      };
    }
    if (key === '@cpu') return { name: '@cpu', byteSize: 4, kind: 'signed', read: () => 0n };
    if (!registers.has(key)) return undefined;
    const kind = key === 'pc' ? 'code' : key === 'sp' ? 'data' : 'signed';
    return {
      name: key,
      byteSize: 8,
      kind,
      read: () => registers.get(key),
      write: (value) => registers.set(key, value),
    };
  };
  const context = new DebugInfoContext(info, {
    evaluation: { ...frame.evaluation, readMemory },
    inlineDepth: 0,
    register,
    writeMemory(address, bytes) {
      if (readMemory(address, bytes.length) === undefined) return false;
      for (const [i, byte] of bytes.entries()) written.set(address + BigInt(i), byte);
      return true;
    },
    writeRegister: () => false,
  });
  const show = (text: string): string => {
    const compiled = compileExpression(text);
    const options = compiled.format?.base === undefined ? {} : { base: compiled.format.base };
    return formatValue(compiled.evaluate(context, { allowAssignment: true }), context, options);
  };
  return { info, stop, context, show, registers };
}

/** gdb prints 9 or 17 digits, we print the shortest that read back the same. */
function shortened(text: string): string {
  return text.replace(/-?\d+\.\d{8,}/g, (digits) => {
    const value = Number(digits);
    return digits.replace(/[^\d]/g, '').length > 12
      ? String(value)
      : String(Number(value.toPrecision(7)));
  });
}

describe('expressions', () => {
  for (const name of ['sample-gcc-O0-dwarf5', 'sample-gcc-O0-dwarf4', 'sample-clang-O0-dwarf5']) {
    const { stop, show } = contextAt(name, 4);
    for (const [text, expected] of Object.entries(stop.expressions)) {
      it(`${text} is ${expected} in ${name}`, () => {
        const ours = show(text);
        // gdb shows the trailing NULs of an array of characters.
        assert.equal(ours, shortened(expected).replace(/(\\000)+"/, '"'));
      });
    }
  }

  it('reach statics of a function and of a file by qualified names', () => {
    const { show } = contextAt('sample-gcc-O0-dwarf5', 4);
    assert.equal(show('handle_packet::calls'), '1');
    assert.equal(show('sample.c::hidden'), '1234605616436508552');
    assert.equal(show("'sample.c'::hidden,x"), '0x1122334455667788');
  });

  it('read registers, their fields and facts about the machine', () => {
    const { show } = contextAt('sample-gcc-O0-dwarf5', 4);
    assert.equal(show('$MDSCR_EL1.MDE'), '1');
    assert.equal(show('$MDSCR_EL1.KDE + $mdscr_el1.ss'), '1');
    assert.equal(show('MDSCR_EL1,x'), '0xa000');
    assert.equal(show('@cpu == 0'), '1');
    assert.equal(show('$pc'), '0x40080070 <handle_packet+112>');
    assert.equal(show('$v0.d'), '{1.5, 2}');
    assert.equal(show('$v0.ud[1],x'), '0x4000000000000000');
  });

  it('assign to variables, bit-fields, registers and fields when that is allowed', () => {
    const { show, context, registers } = contextAt('sample-gcc-O0-dwarf5', 4);
    assert.equal(show('counter = 0x10 + 1'), '17');
    assert.equal(show('packets[0].length = 7'), '7');
    assert.equal(show('packets[0].version'), '5');
    assert.equal(show('$x5 = 12'), '12');
    assert.equal(registers.get('x5'), 12n);
    assert.equal(show('$MDSCR_EL1.SS = 1'), '1');
    assert.equal(show('$MDSCR_EL1,x'), '0xa001');
    assert.throws(
      () => compileExpression('counter = 1').evaluate(context),
      (error) => error instanceof ExpressionError && error.position === 8,
    );
  });

  it('apply format suffixes', () => {
    const { show } = contextAt('sample-gcc-O0-dwarf5', 4);
    assert.equal(show('counter,x'), '0x7');
    assert.equal(show('packets[0].delta,x'), '0x7d');
    assert.equal(show('-1,x'), '0xffffffff');
    assert.equal(show('5,b'), '0b101');
    assert.equal(show('8,o'), '010');
    assert.equal(show('104,c'), "104 'h'");
    assert.equal(show('packet->corners,[2]'), '{{x = 1, y = 2}, {x = 3, y = 4}}');
    assert.equal(show('&packets[0].corners[0],[2]'), '{{x = 1, y = 2}, {x = 3, y = 4}}');
    assert.equal(
      show('packets[0].label'),
      `0x40080${show('packets[0].label,x').slice(7)} "hello, \\"guest\\"\\n"`,
    );
    assert.match(show('packets[0].handler'), /^0x40080000 <handle_packet>$/);
  });

  const errors = [
    { text: '', position: 0, message: /empty/ },
    { text: 'counter +', position: 9, message: /ends/ },
    { text: 'missing', position: 0, message: /"missing" is not known/ },
    { text: 'counter.x', position: 7, message: /has no members/ },
    { text: 'packets[0].nothing', position: 10, message: /no member "nothing"/ },
    { text: '1 / 0', position: 2, message: /Division by zero/ },
    { text: '*counter', position: 0, message: /is no pointer/ },
    { text: '&5', position: 0, message: /address/ },
    { text: 'main()', position: 4, message: /Calling/ },
    { text: 'counter++', position: 7, message: /not supported/ },
    { text: '089', position: 0, message: /octal/ },
    { text: 'counter # 2', position: 8, message: /no part of a C expression/ },
    { text: '(struct nowhere)1', position: 1, message: /No type "struct nowhere"/ },
    { text: 'counter,q', position: 8, message: /no format/ },
    { text: '$x77', position: 0, message: /no register "\$x77"/ },
    { text: '1 << 40', position: 2, message: /shift of 40/ },
    { text: '('.repeat(5000), position: undefined, message: /deep/ },
    { text: '*(int *)0', position: 0, message: /cannot read memory at 0x0/ },
  ];
  for (const { text, position, message } of errors) {
    it(`${text.slice(0, 30)} fails with ${message.source}`, () => {
      const { context } = contextAt('sample-gcc-O0-dwarf5', 4);
      assert.throws(
        () => {
          const value = compileExpression(text).evaluate(context);
          // Memory is read when the value is used.
          const shown = formatValue(value, context);
          throw new ExpressionError(shown, position ?? 0);
        },
        (error) => {
          assert.ok(error instanceof ExpressionError, String(error));
          assert.match(error.message, message);
          if (position !== undefined) assert.equal(error.position, position);
          return true;
        },
      );
    });
  }
});

describe('children', () => {
  it('of a pointer to a struct are its members, those of anonymous unions included', () => {
    const { context } = contextAt('sample-gcc-O0-dwarf5', 4);
    const packet = compileExpression('packet').evaluate(context);
    const found = children(packet, context, 'packet');
    assert.deepEqual(childCount(packet, context), { named: 14, indexed: 0 });
    assert.deepEqual(
      found.map(({ name }) => name),
      [
        'version',
        'length',
        'delta',
        'stamp',
        'corners',
        'ratio',
        'raw',
        'label',
        'next',
        'handler',
        'color',
        'flags',
        'ready',
        'tag',
      ],
    );
    for (const { name, value, evaluateName } of found) {
      assert.equal(evaluateName, `packet->${name}`);
      const again = compileExpression(evaluateName).evaluate(context);
      assert.equal(formatValue(again, context), formatValue(value, context));
      assert.equal(typeName(again.type), typeName(value.type));
    }
  });

  it('of an array come in pages', () => {
    const { context } = contextAt('sample-gcc-O0-dwarf5', 4);
    const corners = compileExpression('packet->corners').evaluate(context);
    assert.deepEqual(childCount(corners, context), { named: 0, indexed: 3 });
    const page = children(corners, context, 'packet->corners', { start: 1, count: 1 });
    assert.deepEqual(
      page.map(({ name, evaluateName }) => [name, evaluateName]),
      [['[1]', 'packet->corners[1]']],
    );
  });
});

describe('setValue', () => {
  const cases = [
    { target: 'counter', text: '-12', shown: '-12' },
    { target: 'packets[0].color', text: 'BLUE', shown: 'BLUE' },
    {
      target: 'packets[0].flags',
      text: 'FLAG_READ | FLAG_WRITE',
      shown: '(FLAG_READ | FLAG_WRITE)',
    },
    { target: 'packets[0].tag[0]', text: "97 'a'", shown: "97 'a'" },
    { target: 'packets[0].tag', text: '"xyz"', shown: '"xyz"' },
    { target: 'packets[0].ratio', text: '0.5', shown: '0.5' },
    { target: 'packets[0].ready', text: 'false', shown: 'false' },
    { target: 'packets[0].delta', text: '-64', shown: '-64' },
    { target: 'packets[0].next', text: '0x40082030 <packets>', shown: undefined },
    { target: 'packets[0].corners[0]', text: 'packets[0].corners[1]', shown: '{x = 3, y = 4}' },
  ];
  for (const { target, text, shown } of cases) {
    it(`stores ${text} into ${target}`, () => {
      const { context } = contextAt('sample-gcc-O0-dwarf5', 4);
      const value = compileExpression(target).evaluate(context);
      setValue(value, text, context);
      const now = formatValue(compileExpression(target).evaluate(context), context);
      if (shown !== undefined) assert.equal(now, shown);
      else assert.match(now, /^0x40082030/);
    });
  }
});

describe('conditions', () => {
  const conditions = [
    'i == 2',
    'i == 57',
    '$x0 > 3',
    '$x0 < 3',
    'i < total',
    '-1 < 1u',
    'counter == 7 && i != 1',
    '!(i == 2)',
    'packet == &packets[0]',
    'packet',
    'i + 1 == 3',
    'i - 3 < 0',
    'hidden > 5',
    'scale == 2 || 1 / 0',
    'packet->color == GREEN',
    'part < 0',
    'i & 2',
    '(i ^ 2) == 0',
    '0',
    '1',
    '0x80000000 > 0',
    '-2147483648 < 0',
    'hidden == 0x1122334455667788',
    'counter * 2 == 14',
    '-part == 12',
  ];
  for (const text of conditions) {
    it(`${text} gives the same bound as evaluated`, () => {
      const { context } = contextAt('sample-gcc-O0-dwarf5', 4);
      const compiled = compileExpression(text);
      const holds = compileCondition(compiled, context);
      const shown = formatValue(compileExpression(`!!(${text})`).evaluate(context), context);
      assert.equal(holds(), shown === '1');
    });
  }

  it('refuse assignments', () => {
    const { context } = contextAt('sample-gcc-O0-dwarf5', 4);
    assert.throws(() => compileCondition(compileExpression('i = 2'), context), /use "=="/);
  });
});
