/** The language server in the editor, on the assembly of a sample. */
import assert from 'node:assert/strict';
import { temporaryFolder, closeWindow, newWindow } from './support/windows.ts';
import { waitUntil } from './support/wait-until.ts';
import { screenshot } from './view-actions.ts';
import type { Workbench } from './support/workbench.ts';

const SOURCE = `        .text
        .global start
start:  mov     x0, #0x8000
        msr     mdscr_el1, x0
        isb
        addd    x1, x0, #1
        b       start
`;

describe('an assembly file', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(temporaryFolder('assembly', { files: { 'start.S': SOURCE } }));
    await workbench.openFile('start.S');
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('shows what a constant means to the register it goes to, and the mnemonic that does not exist', async () => {
    const editor = workbench.page.locator('.monaco-editor .view-lines').first();
    await waitUntil('the inlay hint of the constant', async () =>
      /MDE/.test((await editor.textContent()) ?? ''),
    );
    await workbench.runCommand('Problems: Focus on Problems View');
    const problems = workbench.page.locator('.markers-panel');
    await waitUntil('the problem of the unknown mnemonic', async () =>
      /addd/.test((await problems.textContent()) ?? ''),
    );
    await screenshot(workbench, 'assembly 1 hints and problems');
    assert.match((await problems.textContent()) ?? '', /addd/);
  });
});
