/** The guest's serial console as a terminal: what a user types, and what the guest answers. */
import assert from 'node:assert/strict';
import { lineWith, sampleFolder } from './sample-folder.ts';
import { closeWindow, newWindow } from './support/windows.ts';
import { screenshot } from './view-actions.ts';
import type { Workbench } from './support/workbench.ts';

describe('a guest with a prompt on its serial console', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(
      sampleFolder('console', { console: 'terminal', stopOnEntry: false }),
    );
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('opens a terminal at F5, in front', async () => {
    await workbench.pressF5();
    await workbench.waitForTerminalText(/Hello\. Type "help"\.\s+> /);
  });

  it('answers what is typed there', async () => {
    await workbench.typeInTerminal('echo good morning\n');
    await workbench.waitForTerminalText(/> echo good morning\s+good morning\s+> /);
    await screenshot(workbench, 'serial console 1 answers');
  });

  it('mends a slip, and clears the terminal', async () => {
    await workbench.typeInTerminal('clear\n');
    await workbench.waitForTerminalText(/^\s*> $/);
    await workbench.typeInTerminal('echp');
    await workbench.press('Backspace');
    await workbench.typeInTerminal('o mended\n');
    await workbench.waitForTerminalText(/> echo mended\s+mended\s+> /);
  });

  it('stops at a breakpoint while a line is typed, and keeps what is typed meanwhile', async () => {
    await workbench.openFile('main.c');
    await workbench.setBreakpointByClick(lineWith('console', 'main.c', '// #RUN'));
    await workbench.typeInTerminal('echo one\n');
    await workbench.waitForStopped({ file: 'main.c' });
    await workbench.removeBreakpointByClick(lineWith('console', 'main.c', '// #RUN'));
    await workbench.typeInTerminal('echo two\n');
    await screenshot(workbench, 'serial console 2 stopped');
    await workbench.press('F5');
    await workbench.waitForTerminalText(/> echo one\s+one\s+> echo two\s+two\s+> /);
  });

  it('stays to be read when the guest has ended', async () => {
    await workbench.typeInTerminal('exit 0\n');
    await workbench.waitForEnd();
    await workbench.waitForTerminalText(/\[The guest has ended\.\]/);
    assert.match(await workbench.terminalText(), /echo two/);
    await screenshot(workbench, 'serial console 3 ended');
  });
});
