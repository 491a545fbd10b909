/** The hypervisor at work: what a guest's write of MDSCR_EL1 sets off, as the World Switch view lists it. */
import assert from 'node:assert/strict';
import { lineWith, sampleFolder } from './sample-folder.ts';
import { closeWindow, newWindow } from './support/windows.ts';
import {
  editorLines,
  panelChildren,
  panelRow,
  panelRows,
  screenshot,
  setExpanded,
  showPanel,
} from './view-actions.ts';
import { waitUntil } from './support/wait-until.ts';
import type { Workbench } from './support/workbench.ts';

const at = (marker: string): number => lineWith('self-hosted-debug', 'main.c', marker);

/** Rows above the events. */
const NO_EVENTS = ['Cost', 'Cost model, not measured', 'Totals per register'];

describe('the World Switch view', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(sampleFolder('self-hosted-debug'));
    await workbench.pressF5();
    await workbench.waitForStopped({ file: 'main.c' });
    await workbench.setBreakpointByClick(at('// #BP1'));
    await workbench.step('F5', { file: 'main.c', line: at('// #BP1') });
    await showPanel(workbench);
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it("lists the guest's write of MDSCR_EL1 as a trap, and what followed", async () => {
    await workbench.runCommand('Trapline: Clear World Switch');
    await workbench.runCommand('Trapline: Switch debug policy…');
    await screenshot(workbench, 'world switch 1 policies');
    await workbench.choose('LAZY_DIRTY');
    await waitUntil('the status bar names the policy', async () =>
      (await workbench.statusBarText()).includes('LAZY_DIRTY'),
    );
    await workbench.step('F10', { file: 'main.c' });
    const rows = await waitUntil('rows came', async () => {
      const shown = await panelRows(workbench, 'World Switch');
      return shown.some(({ text }) => text.includes('MDSCR_EL1')) ? shown : undefined;
    });
    const trap = rows.find(({ text }) => /trap/i.test(text) && text.includes('MDSCR_EL1'));
    assert.ok(trap, rows.map(({ text }) => text).join('\n'));
    assert.match(trap.text, new RegExp(`main\\.c:${at('// #BP1')}`));
    const after = rows.slice(trap.index + 1).map(({ text }) => text);
    assert.ok(
      after.some((text) => /enter/i.test(text)),
      after.join('\n'),
    );
    await screenshot(workbench, 'world switch 2 trap');
  });

  it('goes to the source line of a row', async () => {
    await workbench.openFile('program.S');
    const trap = await panelRow(
      workbench,
      'World Switch',
      ({ text }) => /trap/i.test(text) && text.includes('MDSCR_EL1'),
    );
    await trap.locator('.monaco-tl-contents').click();
    await workbench.waitForEditor('main.c');
    await waitUntil('the cursor is on the line', async () =>
      (await workbench.statusBarText()).includes(`Ln ${at('// #BP1')},`),
    );
  });

  it('counts per register', async () => {
    const totals = await panelChildren(workbench, 'World Switch', 'Totals per register');
    const MDSCR = totals.find(({ name }) => name === 'MDSCR_EL1');
    assert.match(MDSCR?.text ?? '', /\d+ traps? · \d+ reads? · \d+ writes?/);
    await screenshot(workbench, 'world switch 3 totals');
    await setExpanded(workbench, 'World Switch', 'Totals per register', false);
  });

  it('shows one kind of event alone, grouped by entry, and the cost of all', async () => {
    await workbench.runCommand('Trapline: Filter World Switch…');
    await workbench.filterAndChoose('Rows of World Switch', 'trapDbg');
    await screenshot(workbench, 'world switch 4 filter');
    await workbench.press('Enter');
    await waitUntil('only traps are shown', async () => {
      const rows = await panelRows(workbench, 'World Switch');
      const events = rows.filter(({ name }) => !NO_EVENTS.includes(name));
      return events.length > 0 && events.every(({ text }) => /trapped/.test(text));
    });
    await workbench.runCommand('Trapline: Group World Switch by entry');
    const groups = await waitUntil('rows are in groups', async () => {
      const rows = await panelRows(workbench, 'World Switch');
      const found = rows.filter(({ level, name }) => level === 1 && /^Entry at 0x/.test(name));
      return found.length > 0 && rows.some(({ level }) => level === 2) ? found : undefined;
    });
    assert.match(groups.at(-1)?.text ?? '', /1 trap/);
    const costs = await panelChildren(workbench, 'World Switch', 'Cost');
    assert.match(costs.find(({ name }) => name === 'entries')?.text ?? '', /entries ?\d+/);
    await screenshot(workbench, 'world switch 5 groups and cost');
    await setExpanded(workbench, 'World Switch', 'Cost', false);
    const model = 'Cost model, not measured';
    const modelled = await panelChildren(workbench, 'World Switch', model);
    assert.match(modelled.find(({ name }) => name === 'sum')?.text ?? '', /[\d,]+ modelled cycles/);
    await setExpanded(workbench, 'World Switch', model, false);
    await workbench.runCommand('Trapline: Show World Switch in order');
    await workbench.runCommand('Trapline: Show all rows of World Switch');
  });

  it('writes behind the line how often its access trapped', async () => {
    const inlays = workbench.page.locator('.editor-group-container.active .view-line', {
      hasText: /trapped\s[1-9]\d*,\sstraight\s\d+/,
    });
    await inlays.first().waitFor();
    await screenshot(workbench, 'world switch 6 counts in the source');
  });

  it("has the rows of the adapter's log", async () => {
    await workbench.stopDebugging();
    await workbench.pressF5();
    await workbench.waitForStopped({ file: 'main.c' });
    await workbench.step('F5', { file: 'main.c', line: at('// #BP1') });
    const rows = await panelRows(workbench, 'World Switch');
    const events = rows.filter(({ level, name }) => level === 1 && !NO_EVENTS.includes(name));
    await workbench.runCommand('Trapline: Open World Switch as text');
    await workbench.page.locator('.tab.active', { hasText: 'World Switch of' }).waitFor();
    const [title = '', , ...lines] = await editorLines(workbench);
    assert.match(title, /World Switch of self-hosted-debug\.elf/);
    assert.equal(events.length, lines.length);
    for (const [i, { name }] of events.entries()) {
      assert.ok(lines[i]?.includes(name), `row ${i}: "${name}" in "${lines[i] ?? ''}"`);
    }
    await screenshot(workbench, 'world switch 7 as text');
  });
});
