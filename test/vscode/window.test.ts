/** The window itself, before any debugging. */
import assert from 'node:assert/strict';
import { closeWindow, newWindow, temporaryFolder } from './support/windows.ts';
import type { Workbench } from './support/workbench.ts';

describe('a VS Code window', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('opens a folder, a file of it, and takes a breakpoint by a click', async () => {
    const folder = temporaryFolder('hello', {
      files: { 'main.c': 'int main(void)\n{\n    return 0;\n}\n' },
    });
    await workbench.openFolder(folder);
    await workbench.openFile('main.c');
    await workbench.setBreakpointByClick(3);
    await workbench.showRunAndDebug();
    const rows = await workbench.treeRows('Breakpoints');
    assert.ok(
      rows.some((row) => row.text.includes('main.c')),
      JSON.stringify(rows),
    );
    await workbench.screenshot('window');
  });

  it('runs a command of the palette', async () => {
    await workbench.runCommand('Remove All Breakpoints');
    await workbench.waitForBreakpointGlyph(3, undefined);
  });
});
