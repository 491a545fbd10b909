/** The commands about the hypervisor below a guest: FP policy, host activity, device attributes, ID register fields. */
import assert from 'node:assert/strict';
import { sampleFolder } from './sample-folder.ts';
import { closeWindow, newWindow } from './support/windows.ts';
import { panelRows, screenshot, showPanel } from './view-actions.ts';
import { waitUntil } from './support/wait-until.ts';
import type { Workbench } from './support/workbench.ts';

describe('commands about the hypervisor', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(sampleFolder('migration'));
    await workbench.pressF5();
    await workbench.waitForStopped({ file: 'main.c' });
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('switch the policy of the V registers', async () => {
    await workbench.runCommand('Trapline: Switch FP policy…');
    await workbench.filterAndChoose('FP policy', 'FP_EAGER');
    await showPanel(workbench);
    await waitUntil('World Switch tells of it', async () =>
      (await panelRows(workbench, 'World Switch')).some(({ text }) => text.includes('FP_EAGER')),
    );
    await screenshot(workbench, 'hypervisor 1 FP policy');
  });

  it('let the host do something of its own', async () => {
    await workbench.runCommand('Trapline: Host activity…');
    await workbench.filterAndChoose('Host activity', 'softirq');
    await waitUntil('World Switch tells of it', async () =>
      (await panelRows(workbench, 'World Switch')).some(({ text }) => /softirq|NEON/.test(text)),
    );
    await screenshot(workbench, 'hypervisor 2 host activity');
  });

  it('call a device attribute, and say which check failed', async () => {
    await workbench.runCommand('Trapline: Call SPE device attribute…');
    await workbench.filterAndChoose('Call on the vCPU', 'KVM_SET_DEVICE_ATTR');
    await workbench.filterAndChoose('attribute of KVM_ARM_VCPU_SPE_CTRL', 'IRQ');
    await workbench.page
      .locator('.quick-input-widget:visible .quick-input-title', { hasText: 'addr points to' })
      .waitFor();
    await workbench.answer('21');
    // This guest was given no SPE.
    const message = await workbench.waitForNotification('KVM_SET_DEVICE_ATTR, IRQ');
    assert.match(message, /ENXIO/);
    await screenshot(workbench, 'hypervisor 3 device attribute');
  });

  it('start a guest that is told of fewer breakpoints', async () => {
    await workbench.stopDebugging();
    await workbench.runCommand('Trapline: Start guest with ID register fields…');
    await workbench.filterAndChoose('Fields of ID_AA64DFR0_EL1', 'BRPs');
    await workbench.press('Enter');
    await workbench.page
      .locator('.quick-input-widget:visible .quick-input-title', {
        hasText: 'ID_AA64DFR0_EL1.BRPs',
      })
      .waitFor();
    await workbench.answer('3');
    await workbench.waitForStopped({ file: 'main.c' });
    await workbench.press('F5');
    await workbench.waitForEnd();
    const text = await waitUntil('the guest has printed what it sees', async () => {
      const shown = await workbench.debugConsoleText();
      return shown.includes('rounds wrong') ? shown : undefined;
    });
    assert.match(text, /4 breakpoints, 2 of them context-aware/);
    assert.match(text, /0 of 4 rounds wrong/);
    await screenshot(workbench, 'hypervisor 4 ID register fields');
  });
});
