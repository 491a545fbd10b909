/** From a folder with one ELF file to a stopped guest by one key; then what everyone does with a debugger. */
import assert from 'node:assert/strict';
import { lineWith, sampleFolder } from './sample-folder.ts';
import { closeWindow, newWindow } from './support/windows.ts';
import { screenshot, waitForVariables } from './view-actions.ts';
import type { Workbench } from './support/workbench.ts';

const at = (marker: string): number => lineWith('hello', 'main.c', marker);

describe('a folder with one ELF file and no launch configuration', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(sampleFolder('hello'));
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('stops in main at F5, with no editor open', async () => {
    assert.equal(await workbench.activeEditor(), undefined);
    await workbench.pressF5();
    const { line } = await workbench.waitForStopped({ file: 'main.c' });
    assert.ok(line > at('int main(void)') && line < at('// #BP1'), `line ${line}`);
    const [top] = await workbench.treeRows('Call Stack');
    assert.match(top?.text ?? '', /main/);
    assert.match(await workbench.statusBarText(), /OWNER|REMAP_SHARED/);
    await screenshot(workbench, 'hello 1 stopped in main');
  });

  it('runs to a breakpoint that was set by a click', async () => {
    await workbench.setBreakpointByClick(at('// #BP1'));
    await workbench.step('F5', { file: 'main.c', line: at('// #BP1') });
  });

  it('shows the local variables with the values that the program gave them', async () => {
    await waitForVariables(workbench);
    const station = await workbench.expandVariable(['Locals', 'station']);
    const values = new Map(station.map(({ name, value }) => [name, value]));
    assert.match(values.get('name') ?? '', /"Spurn Point"/);
    const altitude = await workbench.expandVariable(['Locals', 'station', 'altitude']);
    assert.deepEqual(
      altitude.map(({ name, value }) => [name, value]),
      [
        ['metres', '19'],
        ['error', '-2'],
      ],
    );
    const time = await workbench.expandVariable(['Locals', 'station', 'readings', '[3]', 'time']);
    assert.deepEqual(
      time.map(({ name, value }) => [name, value]),
      [
        ['hour', '21'],
        ['minute', '59'],
        ['daylight', '0'],
      ],
    );
    await screenshot(workbench, 'hello 2 locals');
  });

  it('steps into a function, over its lines, and out of it', async () => {
    const inside = await workbench.step('F11', { file: 'main.c' });
    assert.ok(
      inside.line > at('static void greet') && inside.line < at('greetings++'),
      `${inside.line}`,
    );
    const next = await workbench.step('F10', { file: 'main.c' });
    assert.ok(next.line > at('static void greet') && next.line < at('greetings++'), `${next.line}`);
    assert.notEqual(next.line, inside.line);
    const frames = (await workbench.treeRows('Call Stack')).map(({ text }) => text).join('\n');
    assert.match(frames, /greet[\s\S]*main/);
    await screenshot(workbench, 'hello 3 inside greet');
    const outside = await workbench.step('Shift+F11', { file: 'main.c' });
    assert.ok(outside.line >= at('// #BP1') && outside.line < at('// #LOOP'), `${outside.line}`);
  });

  it("prints what the guest sends to its UART, and the guest's end", async () => {
    await workbench.press('F5');
    await workbench.waitForEnd();
    const text = await workbench.debugConsoleText();
    assert.match(text, /Hello, Spurn Point!/);
    assert.match(text, /Fingerprint 0xb2f45f10 after 1 greeting/);
    assert.match(text, /ended with status 0/);
    await screenshot(workbench, 'hello 4 ended');
  });
});
