/** Formatting changes no byte of the program: llvm-mc is the judge. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { openAt } from '../../unit/language-server/cases.ts';
import { applied } from '../../unit/language-server/text-edits.ts';
import { skipBecause, versionOf } from '../tools.ts';

const LLVM_MC = 'llvm-mc-19';

describe('formatting', () => {
  it('keeps the bytes that llvm-mc makes', function () {
    if (versionOf(LLVM_MC) === undefined) skipBecause(this, `${LLVM_MC} is not installed`);
    const text =
      'f: mov x0,#1 // one\n ldr x1,[x0,#8]\n\tb f\nvalue: .quad 1,2 /* two */\n.ascii "a  // b"\nmsr daifset,#2; isb\n';
    const assemble = (source: string): string =>
      execFileSync(LLVM_MC, ['-triple=aarch64', '-filetype=asm', '-show-encoding'], {
        input: source,
        encoding: 'utf8',
      });
    const { service, uri } = openAt(text);
    const formatted = applied(text, service.format(uri));
    assert.equal(assemble(formatted), assemble(text));
    assert.notEqual(formatted, text);
  });
});
