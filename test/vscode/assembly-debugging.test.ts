/** Assembly while its guest is debugged: lenses that act, and what the guest tells the source. */
import { sampleFolder } from './sample-folder.ts';
import { closeWindow, newWindow } from './support/windows.ts';
import { waitUntil } from './support/wait-until.ts';
import { screenshot } from './view-actions.ts';
import type { Workbench } from './support/workbench.ts';

describe('assembly while it is debugged', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(sampleFolder('hello'));
    await workbench.pressF5();
    await workbench.waitForStopped({ file: 'main.c' });
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('runs to a function by the lens above it', async () => {
    await workbench.openFile('mix.S');
    const lens = workbench.page
      .locator('.editor-group-container.active .codelens-decoration a', { hasText: 'Run to here' })
      .first();
    await waitUntil('the lens is there', () => lens.isVisible());
    await screenshot(workbench, 'assembly 10 lenses of a guest');
    await lens.click();
    await workbench.waitForStopped({ file: 'mix.S' });
    await screenshot(workbench, 'assembly 11 run to here');
    await workbench.step('F10', { file: 'mix.S' });
  });
});
