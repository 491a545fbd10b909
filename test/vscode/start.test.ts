/** What F5 does in folders of every kind. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { sampleFolder } from './sample-folder.ts';
import { closeWindow, newWindow, temporaryFolder } from './support/windows.ts';
import { waitUntil } from './support/wait-until.ts';
import { screenshot } from './view-actions.ts';
import type { Workbench } from './support/workbench.ts';

const samples = path.resolve(import.meta.dirname, '../../samples');
const file = (sample: string, name: string): Uint8Array =>
  readFileSync(path.join(samples, sample, name));

describe('F5', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('asks once where a folder has several programs', async () => {
    const folder = temporaryFolder('two', {
      files: {
        'build/hello.elf': file('hello', 'hello.elf'),
        'watchpoint.elf': file('watchpoint', 'watchpoint.elf'),
        'main.c': file('watchpoint', 'main.c'),
      },
    });
    await workbench.openFolder(folder);
    await workbench.press('F5');
    const rows = await waitUntil('a list of programs is open', async () => {
      const shown = await workbench.quickPickRows();
      return shown.length === 2 ? shown : undefined;
    });
    assert.match(rows.join('\n'), /hello\.elf/);
    assert.match(rows.join('\n'), /watchpoint\.elf/);
    await screenshot(workbench, 'start 1 several programs');
    await workbench.choose('watchpoint.elf');
    await workbench.page.locator('.debug-toolbar').waitFor();
    await waitUntil('the guest is stopped', () => workbench.isStopped());
    const [top] = await workbench.treeRows('Call Stack');
    assert.match(top?.text ?? '', /main/);
    await workbench.stopDebugging();
  });

  it("leaves the key to VS Code where a launch configuration exists, which the adapter's sentence corrects", async () => {
    const folder = sampleFolder('hello', { program: '${workspaceFolder}/helo.elf' });
    await workbench.openFolder(folder);
    await workbench.press('F5');
    const text = await waitUntil('a dialog says what is wrong', () => workbench.dialogText());
    assert.match(text, /helo\.elf" does not exist\. Build it, or correct "program"/);
    await screenshot(workbench, 'start 2 wrong program');
    await workbench.press('Escape');
  });

  it('says what is missing where a folder has no program', async () => {
    const folder = temporaryFolder('none', { files: { 'main.c': 'int main(void);\n' } });
    await workbench.openFolder(folder);
    await workbench.runCommand('Trapline: Start guest');
    const message = await workbench.waitForNotification('No AArch64 program');
    assert.match(message, /Build one/);
    await screenshot(workbench, 'start 3 no program');
  });
});

describe('F5 in a folder that is not trusted', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow({ workspaceTrust: true });
    await workbench.openFolder(sampleFolder('hello'));
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('asks for trust, and starts no guest without it', async () => {
    // VS Code may have asked already when it opened the folder.
    await waitUntil('the window has settled', async () => {
      if ((await workbench.dialogText()) !== undefined) {
        await workbench.clickDialogButton('No, I don');
      }
      return (await workbench.dialogText()) === undefined;
    });
    await workbench.press('F5');
    const text = await waitUntil('VS Code asks for trust', () => workbench.dialogText());
    assert.match(text, /trust/i);
    await screenshot(workbench, 'start 4 trust');
    await workbench.press('Escape');
    assert.equal(await workbench.page.locator('.debug-toolbar').isVisible(), false);
  });
});
