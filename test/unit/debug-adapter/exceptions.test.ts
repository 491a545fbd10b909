import assert from 'node:assert/strict';
import {
  EXCEPTION_FILTERS,
  ExceptionHistory,
  exceptionLabel,
  explainException,
  hasHandler,
} from '../../../debug-adapter/exceptions.ts';
import type { DebuggedMachine, ExceptionRecord } from '../../../debug-adapter/machine.ts';

const svc: ExceptionRecord = {
  kind: 'synchronous',
  ESR: 0x5600_0007n,
  EC: 0x15,
  FAR: undefined,
  ELR: 0x4008_0010n,
  SPSR: 0x3c5n,
  fromEL: 1,
  targetEL: 1,
  vector: 0x4008_0a00n,
  retired: 0n,
};
const abort: ExceptionRecord = { ...svc, EC: 0x25, ESR: 0x9600_0046n, FAR: 0x10n };

/** Only the registers that the history notes. */
function historyWith(registers: Readonly<Record<string, () => bigint>>): ExceptionHistory {
  const machine: Pick<DebuggedMachine, 'currentVcpu' | 'readRegister'> = {
    currentVcpu: 0,
    readRegister: (_vcpu, name) => registers[name]?.(),
  };
  return new ExceptionHistory(machine as DebuggedMachine);
}

function firstLoop(
  history: ExceptionHistory,
  records: Iterable<ExceptionRecord>,
): number | undefined {
  let count = 0;
  for (const record of records) {
    count += 1;
    if (history.add(record)) return count;
  }
  return undefined;
}

function* repeated(
  record: ExceptionRecord,
  distance: bigint,
  count: number,
): Generator<ExceptionRecord> {
  for (let i = 0; i < count; i++) yield { ...record, retired: BigInt(i) * distance };
}

describe('Exception loops', () => {
  it('a vector that faults itself is one after a few rounds', () => {
    const atVector = { ...abort, ELR: abort.vector };
    assert.equal(firstLoop(historyWith({}), repeated(atVector, 0n, 100)), 9);
  });

  it('an SVC in a short loop is none', () => {
    assert.equal(firstLoop(historyWith({}), repeated(svc, 3n, 5000)), undefined);
  });

  it('a fault inside its own handler is one while the stack grows', () => {
    let SP = 0x4009_0000n;
    const history = historyWith({ SP: () => (SP -= 0x130n) });
    assert.equal(firstLoop(history, repeated(abort, 60n, 100)), 49);
  });

  it('a handler that returns to the same fault is one after a thousand times', () => {
    assert.equal(firstLoop(historyWith({}), repeated(abort, 40n, 2000)), 1001);
  });

  it('faults at ever other addresses are none', () => {
    function* walk(): Generator<ExceptionRecord> {
      for (let i = 0n; i < 3000n; i++) yield { ...abort, FAR: i * 0x1000n, retired: i * 40n };
    }
    assert.equal(firstLoop(historyWith({}), walk()), undefined);
  });
});

describe('Exceptions', () => {
  it('are labelled by where they went and why', () => {
    assert.equal(exceptionLabel({ ...svc, fromEL: 0 }), 'exception EL1←EL0 SVC');
    assert.equal(exceptionLabel({ ...svc, kind: 'IRQ' }), 'exception EL1←EL1 IRQ');
  });

  it('have no handler where nothing is mapped, or zeros are', () => {
    assert.equal(
      hasHandler(svc, () => undefined),
      false,
    );
    assert.equal(
      hasHandler(svc, () => 0),
      false,
    );
    assert.equal(
      hasHandler(svc, () => 0xd69f03e0),
      true,
    );
  });

  it('are explained with the access, the syndrome and what to do', () => {
    const text = explainException(abort, 'noHandler', (address) => `0x${address.toString(16)}`);
    assert.match(text, /^Data abort at 0x40080010, taken from EL1 to EL1\.$/m);
    assert.match(
      text,
      /^A write to 0x10 was refused: translation fault, level 2: the address is not mapped\.$/m,
    );
    assert.match(text, /^ESR_EL1 = 0x96000046.*WnR = 1/m);
    assert.match(text, /Set VBAR_EL1 to a vector table/);
  });

  it('each vector and each class has a filter of its own, and two are on by default', () => {
    const names = EXCEPTION_FILTERS.map(({ filter }) => filter);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(
      EXCEPTION_FILTERS.filter((it) => it.default).map(({ filter }) => filter),
      ['noHandler', 'loop'],
    );
    const matching = EXCEPTION_FILTERS.filter((it) => it.matches?.(svc) === true);
    assert.deepEqual(
      matching.map(({ filter }) => filter),
      ['svc', 'vector-0x200'],
    );
  });
});
