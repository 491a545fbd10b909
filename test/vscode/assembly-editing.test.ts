/** Writing assembly in the editor: completion, hover, navigation, renaming, fixes and formatting, as a user sees them. */
import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import { temporaryFolder, closeWindow, newWindow } from './support/windows.ts';
import { sleep, waitUntil } from './support/wait-until.ts';
import { screenshot } from './view-actions.ts';
import type { Workbench } from './support/workbench.ts';

const START = `        .text
        .global start
start:  bl      setup_vectors
        mrs     x0, sctlr_el1
        addd    x1, x0, #1
again:  sub     x1, x1, #1
        cbnz    x1, again
        ret
        .data
counter: .quad 0
`;
const VECTORS = `        .text
        .global setup_vectors
setup_vectors:
        adr     x9, table
        msr     vbar_el1, x9
        isb
        ret
        .balign 2048
table:  b       .
`;

describe('writing assembly', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    const files = { 'start.S': START, 'vectors.S': VECTORS };
    await workbench.openFolder(temporaryFolder('assembly-editing', { files }));
    await workbench.openFile('start.S');
    await waitUntil('the language server has looked at the file', async () =>
      (await problems()).includes('addd'),
    );
  });

  after(async () => {
    await closeWindow(workbench);
  });

  async function problems(): Promise<string> {
    await workbench.runCommand('Problems: Focus on Problems View');
    const text = (await workbench.page.locator('.markers-panel').textContent()) ?? '';
    await workbench.runCommand('View: Focus Active Editor Group');
    return text;
  }

  async function editorText(): Promise<string> {
    const lines = await workbench.page
      .locator('.editor-group-container.active .monaco-editor .view-line')
      .allTextContents();
    return lines.map((line) => line.replaceAll('\u00a0', ' ')).join('\n');
  }

  /** The word as the editor draws it, in the active editor. */
  function word(text: string): Locator {
    return workbench.page
      .locator('.editor-group-container.active .view-line span span')
      .filter({ hasText: new RegExp(`^\\s*${text}\\b`) })
      .first();
  }

  /** Puts the cursor into a word of a line by the search of the editor. */
  async function goTo(line: number, column: number): Promise<void> {
    await workbench.runCommand('Go to Line/Column...');
    await workbench.answer(`:${line}:${column}`);
    await waitUntil('the cursor is there', async () =>
      (await workbench.statusBarText()).includes(`Ln ${line}, Col ${column}`),
    );
  }

  it('explains a system register with its fields in a hover', async () => {
    await goTo(4, 24);
    await workbench.runCommand('Show or Focus Hover');
    const hover = workbench.page.locator('.monaco-hover:visible');
    await waitUntil('the hover speaks of SCTLR_EL1', async () =>
      /SCTLR_EL1/.test((await hover.allTextContents()).join(' ')),
    );
    await screenshot(workbench, 'assembly 2 hover');
    assert.match((await hover.allTextContents()).join(' '), /EL1/);
    await workbench.press('Escape');
    assert.ok(await word('mrs').isVisible());
  });

  it('goes to a label in another file', async () => {
    await goTo(3, 20);
    await workbench.press('F12');
    await workbench.waitForEditor('vectors.S');
    await waitUntil('the cursor is on the label', async () =>
      (await workbench.statusBarText()).includes('Ln 3,'),
    );
    await screenshot(workbench, 'assembly 3 definition');
    await workbench.openFile('start.S');
  });

  it('completes a system register from its first letters', async () => {
    await goTo(8, 12);
    await workbench.press('Enter');
    await workbench.type('mrs x2, vbar_e');
    await workbench.press('Control+Space');
    const widget = workbench.page.locator('.suggest-widget:visible');
    await waitUntil('VBAR_EL1 is suggested', async () =>
      /vbar_el1/i.test((await widget.allTextContents()).join(' ')),
    );
    await screenshot(workbench, 'assembly 4 completion');
    await workbench.press('Enter');
    await waitUntil('the register is in the line', async () =>
      /mrs x2, vbar_el1/i.test(await editorText()),
    );
  });

  it('mends a mnemonic that does not exist by its quick fix', async () => {
    await goTo(5, 10);
    const fix = workbench.page.locator('.action-widget:visible .monaco-list-row', {
      hasText: /add/,
    });
    await waitUntil('a fix is offered', async () => {
      await workbench.press('Control+.');
      await sleep(1_000);
      if (await fix.first().isVisible()) return true;
      await workbench.press('Escape');
      return undefined;
    });
    await screenshot(workbench, 'assembly 5 quick fix');
    await fix.first().click();
    await waitUntil('the line is mended', async () => !/addd/.test(await editorText()));
    await waitUntil('the problem has gone', async () => !(await problems()).includes('addd'));
  });

  it('renames a label and what refers to it', async () => {
    await goTo(6, 2);
    await workbench.press('F2');
    const box = workbench.page.locator('.rename-box input');
    await box.waitFor();
    await box.fill('countdown');
    await workbench.press('Enter');
    await waitUntil('both places are renamed', async () => {
      const text = await editorText();
      return /countdown:/.test(text) && /cbnz\s+x1, countdown/.test(text);
    });
    await screenshot(workbench, 'assembly 6 renamed');
  });

  it('lists labels as symbols of the document', async () => {
    await workbench.press('Control+Shift+o');
    const rows = await waitUntil('symbols are offered', async () => {
      const shown = await workbench.quickPickRows();
      return shown.some((row) => row.includes('countdown')) ? shown : undefined;
    });
    assert.ok(
      rows.some((row) => row.includes('start')),
      rows.join('\n'),
    );
    assert.ok(
      rows.some((row) => row.includes('counter')),
      rows.join('\n'),
    );
    await screenshot(workbench, 'assembly 7 symbols');
    await workbench.press('Escape');
  });

  it('formats the document', async () => {
    await goTo(2, 1);
    await workbench.type('      ');
    await workbench.runCommand('Format Document');
    await waitUntil('the line stands where the others do', async () => {
      const lines = (await editorText()).split('\n');
      const columns = lines
        .filter((line) => /\.(text|global)/.test(line))
        .map((line) => line.search(/\S/));
      return columns.length === 2 && columns[0] === columns[1];
    });
    await sleep(200);
    await screenshot(workbench, 'assembly 8 formatted');
  });

  it('shows lenses above labels', async () => {
    const lens = workbench.page.locator('.editor-group-container.active .codelens-decoration a');
    await lens.first().waitFor();
    const texts = (await lens.allTextContents()).join(' ');
    assert.match(texts, /reference/);
    await screenshot(workbench, 'assembly 9 lenses');
  });
});
