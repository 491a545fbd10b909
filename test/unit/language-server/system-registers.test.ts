/** Every system register of the table: it hovers, completes and is checked by direction. */
import assert from 'node:assert/strict';
import type { MarkupContent } from 'vscode-languageserver';
import { allRegisters, readable, writable } from '../../../language-server/system-operands.ts';
import { completions, labels, openAt } from './cases.ts';

describe('each of the system registers', () => {
  it('has a hover with its name and encoding', () => {
    const text = allRegisters.map(({ name }) => `mrs x0, ${name.toLowerCase()}`).join('\n');
    const { service, uri } = openAt(text);
    const without = allRegisters.filter(({ name, op0, op1, CRn, CRm, op2 }, line) => {
      const found = service.hover(uri, { line, character: 10 })?.contents as
        MarkupContent | undefined;
      return !(
        found?.value.includes(`**${name}**`) === true &&
        found.value.includes(`op0=${op0} op1=${op1} CRn=${CRn} CRm=${CRm} op2=${op2}`)
      );
    });
    assert.deepEqual(
      without.map(({ name }) => name),
      [],
    );
  });

  it('is offered where it can be accessed, and only there', () => {
    const read = new Set(labels(completions('mrs x0, |')));
    const written = new Set(labels(completions('msr |')));
    const wrong = allRegisters.filter((register) => {
      const name = register.name.toLowerCase();
      return read.has(name) !== readable(register) || written.has(name) !== writable(register);
    });
    assert.deepEqual(
      wrong.map(({ name }) => name),
      [],
    );
  });

  it('is accepted where it can be accessed, and refused where it cannot', () => {
    const wrong: string[] = [];
    for (const [template, allows, code] of [
      [(name: string) => `mrs x0, ${name}`, readable, 'sysreg-writeonly'],
      [(name: string) => `msr ${name}, x0`, writable, 'sysreg-readonly'],
    ] as const) {
      const text = allRegisters.map(({ name }) => template(name.toLowerCase())).join('\n');
      const { service, uri } = openAt(text);
      const reported = new Map<number, unknown>();
      for (const { range, code: found } of service.diagnostics(uri))
        if (found !== 'isb-missing') reported.set(range.start.line, found);
      allRegisters.forEach((register, line) => {
        const expected = allows(register) ? undefined : code;
        if (reported.get(line) !== expected)
          wrong.push(`${template(register.name)}: ${String(reported.get(line))}`);
      });
    }
    assert.deepEqual(wrong, []);
  });
});
