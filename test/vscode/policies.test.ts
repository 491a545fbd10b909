/** Policies side by side, and the slots that guest and debugger share, as pages in the editor. */
import assert from 'node:assert/strict';
import type { Frame } from 'playwright-core';
import { lineWith, sampleFolder } from './sample-folder.ts';
import { closeWindow, newWindow } from './support/windows.ts';
import { screenshot } from './view-actions.ts';
import { waitUntil } from './support/wait-until.ts';
import type { Workbench } from './support/workbench.ts';

const at = (marker: string): number => lineWith('self-hosted-debug', 'main.c', marker);

describe('pages about the hypervisor', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(sampleFolder('self-hosted-debug'));
    await workbench.pressF5();
    await workbench.waitForStopped({ file: 'main.c' });
    await workbench.setBreakpointByClick(at('// #BP1'));
    await workbench.step('F5', { file: 'main.c', line: at('// #BP1') });
  });

  after(async () => {
    await closeWindow(workbench);
  });

  /** The frame of the webview whose page has such a heading. */
  async function pageWith(heading: RegExp): Promise<Frame> {
    return waitUntil(`a page says ${heading}`, async () => {
      for (const frame of workbench.page.frames()) {
        const titles = await frame
          .locator('h1')
          .allTextContents()
          .catch(() => []);
        if (titles.some((title) => heading.test(title))) return frame;
      }
      return undefined;
    });
  }

  it('draw the guest’s breakpoint with an arrow to its slot', async () => {
    await workbench.step('F10', { file: 'main.c' });
    await workbench.runCommand('Trapline: Draw debug slots');
    const page = await pageWith(/^Debug slots of self-hosted-debug\.elf/);
    await page.locator('svg').first().waitFor();
    const rows = await page.locator('tbody tr').allTextContents();
    assert.ok(
      rows.some((row) => /^breakpoint \d+guest.*landmark/.test(row)),
      rows.join('\n'),
    );
    assert.ok((await page.locator('path[marker-end]').count()) >= 1);
    await screenshot(workbench, 'policies 1 slots');
    await workbench.runCommand('View: Close Editor');
  });

  it('compare the run so far under every policy, as a table and a chart', async () => {
    await workbench.runCommand('Trapline: Compare debug policies');
    const page = await pageWith(/under every debug policy$/);
    const rows = await page.locator('tbody tr').allTextContents();
    for (const policy of ['EAGER', 'LAZY_DIRTY', 'OWNER', 'REMAP_SHARED']) {
      assert.ok(
        rows.some((row) => row.startsWith(policy)),
        `${policy} in ${rows.join('\n')}`,
      );
    }
    const figures = async (policy: string): Promise<number[]> => {
      const row = page.locator('tbody tr', { hasText: new RegExp(`^${policy}`) });
      const cells = await row.locator('td').allTextContents();
      return cells.map((cell) => Number(cell.replaceAll(',', '')));
    };
    // EAGER switches everything at each entry and exit and traps no debug register but what KVM always traps.
    const [eagerTraps = 0, eagerReads = 0] = await figures('EAGER');
    const [lazyTraps = 0, lazyReads = 0] = await figures('LAZY_DIRTY');
    assert.ok(eagerReads > lazyReads, `${eagerReads} > ${lazyReads}`);
    assert.ok(eagerTraps < lazyTraps, `${eagerTraps} < ${lazyTraps}`);
    // Five bars for each of nine policies, and the squares of the legend.
    assert.equal(await page.locator('svg rect').count(), 9 * 5 + 5);
    await page.getByRole('button', { name: 'Export as JSON…' }).waitFor();
    await screenshot(workbench, 'policies 2 comparison');
  });
});
