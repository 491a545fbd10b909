/** A guest that is moved to another processor while its own breakpoints are set, and one that cannot be. */
import assert from 'node:assert/strict';
import { lineWith, sampleFolder } from './sample-folder.ts';
import { closeWindow, newWindow } from './support/windows.ts';
import { screenshot } from './view-actions.ts';
import { waitUntil } from './support/wait-until.ts';
import type { Workbench } from './support/workbench.ts';

const at = (marker: string): number => lineWith('migration', 'main.c', marker);

describe('a migration', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(sampleFolder('migration'));
    await workbench.pressF5();
    await workbench.waitForStopped({ file: 'main.c' });
    await workbench.setBreakpointByClick(at('// #MIGRATE'));
    await workbench.step('F5', { file: 'main.c', line: at('// #MIGRATE') });
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('to a processor with fewer breakpoints is refused, with the reason', async () => {
    await workbench.runCommand('Trapline: Migrate to host profile…');
    await workbench.filterAndChoose('Migrate to host profile', '4-2-4');
    const message = await workbench.waitForNotification('cannot go to 4-2-4');
    assert.match(message, /ID_AA64DFR0_EL1\.BRPs/);
    assert.equal((await workbench.notifications()).length, 1, 'said once');
    await screenshot(workbench, 'migration 1 refused');
    assert.deepEqual(await workbench.stoppedAt(), { file: 'main.c', line: at('// #MIGRATE') });
  });

  it('to one with more goes on where the guest was, and the guest does not notice', async () => {
    await workbench.runCommand('Trapline: Migrate to host profile…');
    await workbench.filterAndChoose('Migrate to host profile', '8-4-4');
    await workbench.waitForNotification('The guest runs on 8-4-4');
    await workbench.waitForStopped({ file: 'main.c', line: at('// #MIGRATE') });
    await screenshot(workbench, 'migration 2 migrated');
    await workbench.removeBreakpointByClick(at('// #MIGRATE'));
    await workbench.press('F5');
    await workbench.waitForEnd();
    const text = await waitUntil('the guest has printed its result', async () => {
      const shown = await workbench.debugConsoleText();
      return shown.includes('rounds wrong') ? shown : undefined;
    });
    assert.match(text, /0 of 4 rounds wrong/);
    await screenshot(workbench, 'migration 3 result');
  });
});
