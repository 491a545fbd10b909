/** A processor with six breakpoints: the seventh is refused, and says why. */
import assert from 'node:assert/strict';
import { lineWith, sampleFolder } from './sample-folder.ts';
import { closeWindow, newWindow } from './support/windows.ts';
import { waitUntil } from './support/wait-until.ts';
import { panelChildren, screenshot } from './view-actions.ts';
import type { Workbench } from './support/workbench.ts';

const at = (marker: string): number => lineWith('hello', 'main.c', marker);

describe('breakpoints of mode hw', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(
      sampleFolder('hello', { hostProfile: '6-2-4', policy: 'OWNER', breakpointMode: 'hw' }),
    );
    await workbench.pressF5();
    await workbench.waitForStopped({ file: 'main.c' });
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('fill the six slots of the profile; the seventh turns grey with its reason', async () => {
    const lines = [
      at('// #BP1'),
      at('squares[i] = i * i; // #LOOP'),
      at('double mean = '),
      at('uint64_t permutations = '),
      at('print("Mean temperature ")'),
      at('print_fraction(mean)'),
    ];
    for (const line of lines)
      assert.equal(await workbench.setBreakpointByClick(line), 'debug-breakpoint');
    const seventh = at('// #BP6');
    await workbench.setBreakpointByClick(seventh);
    await waitUntil('the seventh breakpoint is grey', async () =>
      (await workbench.breakpointGlyph(seventh))?.includes('unverified'),
    );
    for (const line of lines)
      assert.equal(await workbench.breakpointGlyph(line), 'debug-breakpoint');
    const reason = await workbench.breakpointHover(seventh);
    await screenshot(workbench, 'slots 1 seventh breakpoint');
    assert.match(reason, /slot/i);
    for (let n = 0; n < 6; n++) assert.match(reason, new RegExp(`${n}: debugger`));
    assert.match(reason, /"vm"/);
  });

  it('hit what they are set on, through the hypervisor', async () => {
    await workbench.step('F5', { file: 'main.c', line: at('// #BP1') });
    const rows = await panelChildren(workbench, 'Debug Resources', 'Breakpoint slots');
    assert.equal(rows.length, 6);
    for (const row of rows) assert.match(row.text, /debugger.*main/);
    await screenshot(workbench, 'slots 2 ledger');
  });
});
