/** Registers with their fields, and a watchpoint from the Variables view down to its DBGWVR/DBGWCR pair. */
import assert from 'node:assert/strict';
import { lineWith, sampleFolder } from './sample-folder.ts';
import { closeWindow, newWindow } from './support/windows.ts';
import { panelChildren, panelRow, screenshot, waitForVariables } from './view-actions.ts';
import { waitUntil } from './support/wait-until.ts';
import type { Workbench } from './support/workbench.ts';

const at = (file: string, marker: string): number => lineWith('watchpoint', file, marker);

/** The first hexadecimal number of a text. */
function numberIn(text: string): bigint {
  const number = /0x[0-9a-f]+/i.exec(text)?.[0];
  assert.ok(number, `a number in "${text}"`);
  return BigInt(number);
}

describe('registers and watchpoints', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(sampleFolder('watchpoint'));
    await workbench.pressF5();
    await workbench.waitForStopped({ file: 'main.c' });
    await waitForVariables(workbench);
    await workbench.collapseViews('Watch', 'Breakpoints');
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('opens MDSCR_EL1 into its fields and changes MDE', async () => {
    const register = ['System registers', 'Debug', 'MDSCR_EL1'];
    const before = await workbench.expandVariable(register);
    const MDE = before.find(({ name }) => name.startsWith('MDE'));
    assert.ok(MDE, `fields: ${before.map(({ name }) => name).join(', ')}`);
    assert.match(MDE.value, /^0/);
    await screenshot(workbench, 'registers 1 MDSCR_EL1');
    await workbench.setVariable([...register, MDE.name], '1');
    await waitUntil('MDSCR_EL1.MDE is 1', async () => {
      const { value } = await workbench.variable(register);
      // Arm ARM, MDSCR_EL1: MDE is bit 15.
      return /0x0*8000\b/.test(value);
    });
    assert.match((await workbench.variable([...register, MDE.name])).value, /^1/);
    await screenshot(workbench, 'registers 2 MDE set');
    await workbench.setVariable([...register, MDE.name], '0');
  });

  it('sets a watchpoint from the context menu of a variable, which finds the culprit', async () => {
    await workbench.setBreakpointByClick(at('main.c', '// #BP1'));
    await workbench.step('F5', { file: 'main.c', line: at('main.c', '// #BP1') });
    await waitForVariables(workbench);
    await workbench.contextMenu('Variables', ['Globals', 'sensor', 'limit'], 'Set watchpoint');
    await screenshot(workbench, 'registers 3 length');
    await workbench.choose('All of it');
    await screenshot(workbench, 'registers 4 access');
    await workbench.choose('Write');
    const message = await workbench.waitForNotification('sensor.limit');
    assert.match(message, /4 bytes/);
    assert.match(message, /[Hh]ardware watchpoint in slot 0 \(DBGWVR0_EL1\)/);
    await workbench.removeBreakpointByClick(at('main.c', '// #BP1'));
    await workbench.step('F5', { file: 'journal.c', line: at('journal.c', '// #BUG') });
    await screenshot(workbench, 'registers 5 watchpoint hit');
  });

  it('shows the slot of the watchpoint under Debug registers', async () => {
    await waitForVariables(workbench);
    const slots = await workbench.expandVariable(['Debug registers', 'Slots']);
    const mine = slots.filter(({ value }) => value.startsWith('debugger'));
    assert.equal(mine.length, 1, JSON.stringify(slots));
    assert.match(mine[0]?.name ?? '', /watchpoint 0/);
    assert.match(mine[0]?.value ?? '', /sensor/);
    const asked = await workbench.expandVariable(['Debug registers', 'Debugger']);
    const value = asked.find(({ name }) => name === 'DBGWVR0_EL1')?.value ?? '';
    const control = asked.find(({ name }) => name === 'DBGWCR0_EL1')?.value ?? '';
    assert.equal(numberIn(value), numberIn(mine[0]?.value ?? ''));
    // Arm ARM, DBGWCR<n>_EL1: E is bit 0, LSC 0b10 (stores) in bits [4:3].
    assert.equal(numberIn(control) & 0b11001n, 0b10001n, control);
    // Scrolls to the pair.
    await workbench.expandVariable(['Debug registers', 'Debugger', 'DBGWCR0_EL1']);
    await workbench.variable(['Debug registers', 'Debugger', 'DBGWVR0_EL1']);
    await screenshot(workbench, 'registers 6 debug registers');
  });

  it('lists the watchpoint and the slots in Debug Resources, and takes it away by its check box', async () => {
    const [row] = await panelChildren(workbench, 'Debug Resources', 'Watchpoints');
    assert.match(row?.text ?? '', /sensor\.limit.*writes.*slot 0/);
    const [slot] = await panelChildren(workbench, 'Debug Resources', 'Watchpoint slots');
    assert.match(slot?.text ?? '', /0: debugger/);
    await screenshot(workbench, 'registers 7 debug resources');
    for (const owner of ['free', 'debugger']) {
      const shown = await panelRow(workbench, 'Debug Resources', ({ name }) =>
        name.startsWith('sensor.limit'),
      );
      await shown.locator('.monaco-custom-toggle').click();
      await waitUntil(`slot 0: ${owner}`, async () => {
        const [now] = await panelChildren(workbench, 'Debug Resources', 'Watchpoint slots');
        return now?.text.startsWith(`0: ${owner}`);
      });
    }
  });

  it('arms the watchpoint again in the next session', async () => {
    await workbench.stopDebugging();
    await workbench.pressF5();
    // The start-up code clears the variable, sensor_calibrate() sets it; then comes the culprit.
    await waitUntil('the guest is stopped', () => workbench.isStopped());
    const [top] = await workbench.treeRows('Call Stack');
    assert.match(top?.text ?? '', /_start/);
    await workbench.step('F5', { file: 'sensor.c' });
    await workbench.step('F5', { file: 'journal.c', line: at('journal.c', '// #BUG') });
  });
});
