/**
 * Assembly while its guest is debugged: lenses that act, and what the guest tells the source. The guest is
 * guests/assembly, which writes MDSCR_EL1 in a loop; it would write HCR_EL2 as well, and never does.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { closeWindow, newWindow, temporaryFolder } from './support/windows.ts';
import { waitUntil } from './support/wait-until.ts';
import { panelRows, screenshot } from './view-actions.ts';
import type { Workbench } from './support/workbench.ts';

const GUEST = path.resolve(import.meta.dirname, 'guests/assembly');
const SOURCE = readFileSync(path.join(GUEST, 'program.S'), 'utf8');

/** The guest in a folder of its own; its source is changed as an editor would, without a new build. */
function guestFolder(change: (source: string) => string = (source) => source): string {
  const folder = temporaryFolder('assembly', { copyOf: GUEST, except: ['Makefile'] });
  writeFileSync(path.join(folder, 'program.S'), change(SOURCE));
  const configuration = {
    type: 'trapline',
    request: 'launch',
    name: 'assembly',
    program: '${workspaceFolder}/program.elf',
    stopOnEntry: true,
  };
  const launch = { version: '0.2.0', configurations: [configuration] };
  mkdirSync(path.join(folder, '.vscode'));
  writeFileSync(path.join(folder, '.vscode', 'launch.json'), JSON.stringify(launch));
  // The whole source is in sight without the console below it.
  const settings = { 'debug.internalConsoleOptions': 'neverOpen' };
  writeFileSync(path.join(folder, '.vscode', 'settings.json'), JSON.stringify(settings));
  return folder;
}

/** The number of the only line that contains the text. */
function lineOf(text: string): number {
  const found = SOURCE.split('\n').flatMap((line, row) => (line.includes(text) ? [row + 1] : []));
  assert.equal(found.length, 1, `lines with "${text}": ${found.join(', ')}`);
  return found[0] ?? 0;
}

const activeEditor = '.editor-group-container.active';

/** The text of a line as the editor draws it, with what stands behind it. */
async function drawnLine(workbench: Workbench, text: string): Promise<string> {
  const lines = await workbench.page.locator(`${activeEditor} .view-line`).allTextContents();
  return lines.map((it) => it.replaceAll('\u00a0', ' ')).find((it) => it.includes(text)) ?? '';
}

/** Waits until the editor has drawn something behind a line. */
function waitForDrawn(workbench: Workbench, text: string, expected: RegExp): Promise<string> {
  return waitUntil(`behind "${text}" stands ${expected}`, async () => {
    const line = await drawnLine(workbench, text);
    return expected.test(line) ? line : undefined;
  });
}

/** The lens of this title above a line that has the text. */
async function lensAbove(workbench: Workbench, text: string, title: RegExp): Promise<Locator> {
  const line = workbench.page
    .locator(`${activeEditor} .view-line`)
    .filter({ hasText: text })
    .first();
  const lenses = workbench.page.locator(`${activeEditor} .codelens-decoration`);
  return waitUntil(`a lens ${title} stands above "${text}"`, async () => {
    const at = await line.boundingBox();
    if (!at) return undefined;
    for (const lens of await lenses.all()) {
      const box = await lens.boundingBox();
      if (!box || Math.abs(box.y + box.height - at.y) > at.height) continue;
      const link = lens.locator('a').filter({ hasText: title }).first();
      if (await link.isVisible()) return link;
    }
    return undefined;
  });
}

const debugHover = '.debug-hover-widget:visible';

/** What the debugger's hover over a word of a line says, once it says what is expected; it stays open. */
async function hoverOver(
  workbench: Workbench,
  line: string,
  word: string,
  expected: RegExp,
): Promise<string> {
  const { page } = workbench;
  const hover = page.locator(debugHover);
  await closeHover(workbench);
  return waitUntil(
    `the hover over "${word}" says ${expected}`,
    async () => {
      const place = await placeOf(workbench, line, word);
      if (!place) return undefined;
      // A pointer that rests is not noticed.
      await page.mouse.move(place.x + 3, place.y + 2);
      await page.mouse.move(place.x, place.y, { steps: 3 });
      for (const deadline = Date.now() + 4000; Date.now() < deadline;) {
        const text = (await hover.allInnerTexts()).join('\n').replaceAll('\u00a0', ' ');
        if (expected.test(text)) return text;
        await page.waitForTimeout(100);
      }
      await closeHover(workbench);
      return undefined;
    },
    40_000,
  );
}

/** Takes the pointer away and waits until no hover is left. */
async function closeHover({ page }: Workbench): Promise<void> {
  await waitUntil('the hover has gone', async () => {
    if (!(await page.locator(debugHover).isVisible())) return true;
    await page.mouse.move(800, 20, { steps: 5 });
    await page.keyboard.press('Escape');
    await page.waitForTimeout(300);
    return undefined;
  });
}

/** The middle of a word in the line that has a text, in pixels. */
function placeOf(
  workbench: Workbench,
  line: string,
  word: string,
): Promise<{ x: number; y: number } | undefined> {
  return workbench.page
    .locator(`${activeEditor} .monaco-editor`)
    .first()
    .evaluate(
      (editor, given) => {
        const drawn = [...editor.querySelectorAll('.view-line')].find((it) =>
          it.textContent.replaceAll('\u00a0', ' ').includes(given.line),
        );
        if (!drawn) return undefined;
        const at = drawn.textContent.replaceAll('\u00a0', ' ').indexOf(given.word);
        const nodes = document.createTreeWalker(drawn, NodeFilter.SHOW_TEXT);
        let before = 0;
        for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
          const { length } = node.textContent ?? '';
          const offset = at - before;
          before += length;
          if (at < 0 || offset < 0 || offset >= length) continue;
          const range = document.createRange();
          range.setStart(node, offset);
          range.setEnd(node, Math.min(length, offset + given.word.length));
          const { x, y, width, height } = range.getBoundingClientRect();
          return { x: x + width / 2, y: y + height / 2 };
        }
        return undefined;
      },
      { line, word },
    );
}

describe('assembly while it is debugged', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    await workbench.openFolder(guestFolder());
    await workbench.pressF5();
    await workbench.waitForStopped({ file: 'program.S' });
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('runs to a function by the lens above it', async () => {
    const lens = await lensAbove(workbench, 'enable_debug:', /Run to here/);
    await screenshot(workbench, 'assembly 10 lenses of a guest');
    await lens.click();
    await workbench.waitForStopped({ file: 'program.S', line: lineOf('mov     x1, #MDSCR') });
    await screenshot(workbench, 'assembly 11 run to here');
  });

  it('says that an access will be trapped, and that another is UNDEFINED, before it is executed', async () => {
    await waitForDrawn(
      workbench,
      'msr     mdscr_el1',
      /this msr will be trapped to EL2 \(MDCR_EL2\.TDA\)/,
    );
    await waitForDrawn(workbench, 'msr     hcr_el2', /this msr is UNDEFINED at EL1/);
    const read = await drawnLine(workbench, 'mrs     x2, midr_el1');
    assert.doesNotMatch(read, /this mrs/);
    await screenshot(workbench, 'assembly 12 predictions');
  });

  it('shows the values of registers behind the lines up to the stop', async () => {
    await workbench.step('F10', { file: 'program.S', line: lineOf('mrs     x2, midr_el1') });
    await workbench.step('F10', { file: 'program.S', line: lineOf('msr     mdscr_el1') });
    await waitForDrawn(workbench, 'mov     x1, #MDSCR', /x1 = 0x8000/);
    const line = await waitForDrawn(workbench, 'msr     mdscr_el1', /x1 = 0x8000/);
    assert.match(line, /mdscr_el1 = 0x0/);
    assert.doesNotMatch(await drawnLine(workbench, 'cbnz    x0'), /x0 = /);
    await screenshot(workbench, 'assembly 13 inline values');
  });

  it('evaluates a register under the pointer', async () => {
    await hoverOver(workbench, 'cbnz    x0, 1f', 'x0', /0x0*3\b/);
    await screenshot(workbench, 'assembly 14 hover of a register');
  });

  it('evaluates a system register under the pointer, with its fields', async () => {
    await hoverOver(workbench, 'msr     mdscr_el1', 'mdscr_el1', /0x0{16}.*MDE/s);
    await screenshot(workbench, 'assembly 15 hover of a system register');
  });

  it('evaluates the field that a comment names', async () => {
    await hoverOver(workbench, 'MDSCR_EL1.MDE is what', 'MDSCR_EL1.MDE', /^\s*0\s*$/);
    await screenshot(workbench, 'assembly 16 hover of a field');
  });

  it('shows the bits that an instruction has set, at the next stop', async () => {
    await workbench.step('F10', { file: 'program.S', line: lineOf('isb                     //') });
    await waitForDrawn(workbench, 'msr     mdscr_el1', /mdscr_el1 = 0x0*8000/);
    await hoverOver(workbench, 'MDSCR_EL1.MDE is what', 'MDSCR_EL1.MDE', /^\s*1\s*$/);
    await screenshot(workbench, 'assembly 17 after the write');
  });

  it('evaluates memory under the pointer', async () => {
    await (await lensAbove(workbench, 'count:', /Run to here/)).click();
    await workbench.waitForStopped({ file: 'program.S', line: lineOf('adrp    x9, counter') });
    await workbench.step('F10');
    await workbench.step('F10', { file: 'program.S', line: lineOf('ldr     x10, [x9, #0]') });
    await hoverOver(workbench, 'ldr     x10, [x9, #0]', '#0', /4096|0x1000/);
    await screenshot(workbench, 'assembly 18 hover of memory');
  });

  it('watches writes by the lens above data, which then has fewer slots', async () => {
    await workbench.goToLine(lineOf('.skip   4096'));
    const title = /Watch writes \(hardware\): (\d+) of \d+ free/;
    const lens = await lensAbove(workbench, 'counter:', title);
    const before = Number(title.exec((await lens.textContent()) ?? '')?.[1]);
    await lens.click();
    await lensAbove(workbench, 'counter:', new RegExp(`: ${before - 1} of \\d+ free`));
    await screenshot(workbench, 'assembly 19 watch writes');
    await workbench.step('F5', { file: 'program.S', line: lineOf('str     x10, [x9]') });
    await screenshot(workbench, 'assembly 20 the watched write');
  });

  it('sets the watchpoint that the user chooses, by another lens above data', async () => {
    await workbench.goToLine(lineOf('.skip   4096'));
    await (await lensAbove(workbench, 'total:', /Set hardware watchpoint/)).click();
    await workbench.filterAndChoose('Set watchpoint on total: length', '8 bytes');
    await workbench.filterAndChoose('Set watchpoint on total', 'Read, hardware slot');
    await workbench.waitForNotification('total');
    await screenshot(workbench, 'assembly 21 set hardware watchpoint');
    const rows = await waitUntil('the watchpoint is listed', async () => {
      const shown = await panelRows(workbench, 'Debug Resources');
      return shown.some(({ text }) => text.includes('total')) ? shown : undefined;
    });
    assert.ok(rows.some(({ text }) => text.includes('counter')));
  });

  it('disassembles a function by the lens above it', async () => {
    await (await lensAbove(workbench, 'count:', /Disassemble/)).click();
    await waitUntil('the listing is shown', async () =>
      /ldr\s+x10, \[x9\]/.test(
        (await workbench.page.locator(`${activeEditor} .view-lines`).innerText()).replaceAll(
          '\u00a0',
          ' ',
        ),
      ),
    );
    await screenshot(workbench, 'assembly 22 disassembly');
  });
});

describe('comments that a run obeys', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await newWindow();
    const folder = guestFolder((source) =>
      `${source}missing: .quad 0  // @watch\nspare:  .quad 0  // @wacth rw\n`
        .replace('.quad   0x1000', '.quad   0x1000  // @watch w 8')
        .replace('mov     x0, x10', 'mov     x0, x10  // @assert x10 < 0x1004'),
    );
    await workbench.openFolder(folder);
    await workbench.openFile('program.S');
  });

  after(async () => {
    await closeWindow(workbench);
  });

  it('are a problem where they are misspelled', async () => {
    await workbench.runCommand('Problems: Focus on Problems View');
    const problems = workbench.page.locator('.markers-panel');
    await waitUntil('the misspelled comment is listed', async () =>
      /@wacth.*Did you mean @watch/.test((await problems.textContent()) ?? ''),
    );
    await screenshot(workbench, 'assembly 23 misspelled comment');
    await workbench.runCommand('View: Focus Active Editor Group');
  });

  it('say what the program lacks when it starts', async () => {
    await workbench.pressF5();
    const message = await workbench.waitForNotification('is not obeyed');
    assert.match(message, /program\.S:\d+.*no symbol missing/);
    await screenshot(workbench, 'assembly 24 label that the program lacks');
    await workbench.waitForStopped({ file: 'program.S' });
  });

  it('stop at the write that @watch speaks of', async () => {
    await workbench.step('F5', { file: 'program.S', line: lineOf('str     x10, [x9]') });
    await screenshot(workbench, 'assembly 25 stopped by @watch');
    const rows = await waitUntil('the watchpoint is listed', async () => {
      const shown = await panelRows(workbench, 'Debug Resources');
      return shown.some(({ text }) => text.includes('counter')) ? shown : undefined;
    });
    assert.ok(!rows.some(({ text }) => text.includes('missing')));
  });

  it('stop where an @assert does not hold', async () => {
    // 0x1000 + 3 is in order; the watchpoint comes first in the next round, with 0x1005.
    await workbench.step('F5', { file: 'program.S', line: lineOf('str     x10, [x9]') });
    await workbench.step('F5', { file: 'program.S', line: lineOf('mov     x0, x10') });
    await workbench.showRunAndDebug();
    await waitUntil('the call stack says why', async () =>
      /assertion/i.test((await workbench.page.locator('.debug-viewlet').textContent()) ?? ''),
    );
    await screenshot(workbench, 'assembly 26 stopped by @assert');
  });
});
