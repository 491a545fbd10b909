/**
 * Drives a VS Code window as a user does: keys, clicks, menus and commands by their names. It reads only what the window
 * shows. Every wait has a limit and names what it waited for.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { rowAt, rowsFrom, type TreeRow } from './tree.ts';
import { sleep, waitUntil } from './wait-until.ts';

const screenshots = path.resolve(import.meta.dirname, '../screenshots');

/** Where the editor marks the next statement to run. */
export interface StoppedAt {
  /** The editor tab's name. */
  readonly file: string;
  /** Line number as shown, from 1. */
  readonly line: number;
}

/** Views by the title of their section in the side bar. */
export type ViewTitle =
  'Variables' | 'Watch' | 'Call Stack' | 'Breakpoints' | 'World Switch' | 'Debug Resources';

export class Workbench {
  /** The page itself, for what this class has no method for. */
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #url: string;

  private constructor(context: BrowserContext, page: Page, url: string) {
    this.#context = context;
    this.page = page;
    this.#url = url;
  }

  /** A new window with a state of its own; `url` is the server's. */
  static async create(browser: Browser, url: string): Promise<Workbench> {
    const context = await browser.newContext({ viewport: { width: 1600, height: 1300 } });
    // tsx wraps named functions into a call of this helper, also in those that are sent to the page.
    await context.addInitScript('globalThis.__name = (it) => it;');
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    // A closing window asks whether to leave: yes.
    page.on('dialog', (dialog) => void dialog.accept().catch(() => undefined));
    return new Workbench(context, page, url);
  }

  async close(): Promise<void> {
    await this.#context.close();
  }

  /** Opens a folder (absolute path) in this window and waits until the workbench is there and extensions run. */
  async openFolder(folder: string): Promise<void> {
    await this.page.goto(`${this.#url}/?folder=${encodeURIComponent(folder)}`, { timeout: 60_000 });
    await this.page.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
    const name = path.basename(folder);
    await waitUntil(
      `the Explorer shows the folder "${name}"`,
      async () => (await this.page.locator('.explorer-folders-view .monaco-list-row').count()) > 0,
      60_000,
    );
    await waitUntil(
      'the extension host has started',
      () =>
        this.page.evaluate(() => performance.getEntriesByName('code/didLoadExtensions').length > 0),
      60_000,
    );
    // Extensions that start with the window do so now; VS Code shows no sign when they have.
    await sleep(1_000);
  }

  // Keys and commands

  /** Presses a key as Playwright names it: "F10", "Shift+F11", "Control+Shift+D". */
  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }

  /** Types text into whatever has the focus. */
  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
  }

  /** Runs a command by its title in the command palette, for example "View: Show Run and Debug". */
  async runCommand(title: string): Promise<void> {
    await this.press('F1');
    await this.#quickInput().fill(`>${title}`);
    const row = await waitUntil(`the command palette offers "${title}"`, async () => {
      const rows = await this.quickPickRows();
      const index = rows.findIndex((it) => it === title || it.startsWith(`${title} `));
      return index < 0
        ? undefined
        : this.page.locator('.quick-input-list .monaco-list-row').nth(index);
    });
    await row.click();
  }

  /** The rows of an open quick pick, as text; label first, then description. */
  async quickPickRows(): Promise<string[]> {
    const rows = this.page.locator('.quick-input-widget:visible .monaco-list-row');
    return rows.evaluateAll((elements) =>
      elements.map((row) => {
        const label = row.querySelector('.quick-input-list-rows .monaco-icon-label-container');
        const text = label?.textContent ?? row.getAttribute('aria-label') ?? '';
        return text.replaceAll('\u00a0', ' ').trim();
      }),
    );
  }

  /** Waits for an open quick pick with a row that contains `text`, and chooses it. */
  async choose(text: string): Promise<void> {
    const row = await waitUntil(`a quick pick offers "${text}"`, async () => {
      const index = (await this.quickPickRows()).findIndex((it) => it.includes(text));
      return index < 0
        ? undefined
        : this.page.locator('.quick-input-list .monaco-list-row').nth(index);
    });
    await row.click();
  }

  /** As `choose` in the quick pick of this title, but types the text first, so that few rows are left to choose from. */
  async filterAndChoose(title: string, text: string): Promise<void> {
    await this.page
      .locator('.quick-input-widget:visible .quick-input-title', { hasText: title })
      .waitFor();
    await this.type(text);
    await sleep(300);
    await this.choose(text);
  }

  /** Waits for an open input box, replaces its text and presses Enter. */
  async answer(text: string): Promise<void> {
    await this.#quickInput().fill(text);
    await this.press('Enter');
  }

  #quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible input[type="text"]').first();
  }

  // Editors

  /** Opens a file of the folder by its name. */
  async openFile(name: string): Promise<void> {
    await waitUntil(`"${name}" is open`, async () => {
      if ((await this.activeEditor()) === name) return true;
      if (!(await this.#quickInput().isVisible())) await this.press('Control+p');
      await this.#quickInput().fill(name);
      await sleep(300);
      const [row] = await this.quickPickRows();
      if (row?.includes(name) === true) await this.press('Enter');
      await sleep(300);
      return undefined;
    });
    await this.waitForEditor(name);
  }

  async waitForEditor(name: string): Promise<void> {
    await waitUntil(
      `"${name}" is the active editor`,
      async () => (await this.activeEditor()) === name,
    );
    await this.page.locator('.editor-instance .view-line').first().waitFor();
  }

  /** The name on the active editor's tab; undefined when no editor is open. */
  async activeEditor(): Promise<string | undefined> {
    const tab = this.page.locator('.editor-group-container.active .tab.active');
    if ((await tab.count()) === 0) return undefined;
    return (await tab.first().getAttribute('data-resource-name')) ?? undefined;
  }

  async goToLine(line: number): Promise<void> {
    await this.press('Control+g');
    await this.#quickInput().fill(`:${line}`);
    await this.press('Enter');
    await waitUntil(`line ${line} is shown`, () => this.#lineBox(line));
  }

  /** Clicks into the margin left of a line number of the active editor and waits for the breakpoint's dot. */
  async setBreakpointByClick(line: number): Promise<string> {
    await this.#clickGlyphMargin(line);
    return waitUntil(`line ${line} shows a breakpoint`, () => this.breakpointGlyph(line));
  }

  /** Clicks on the breakpoint of a line and waits until it has gone. */
  async removeBreakpointByClick(line: number): Promise<void> {
    await this.#clickGlyphMargin(line);
    await this.waitForBreakpointGlyph(line, undefined);
  }

  /**
   * The icon in a line's margin by its VS Code name: "debug-breakpoint", "debug-breakpoint-unverified" (grey),
   * "debug-breakpoint-conditional", "debug-breakpoint-log", "debug-breakpoint-disabled" ...
   */
  async breakpointGlyph(line: number): Promise<string | undefined> {
    const box = await this.#lineBox(line);
    if (!box) return undefined;
    const glyphs = await this.page
      .locator('.editor-instance .glyph-margin-widgets [class*="codicon-debug-breakpoint"]')
      .evaluateAll((elements) =>
        elements.map((element) => {
          const icon = [...element.classList].find((it) =>
            it.startsWith('codicon-debug-breakpoint'),
          );
          return { icon, y: element.getBoundingClientRect().y };
        }),
      );
    return glyphs.find((it) => Math.abs(it.y - box.y) < 6)?.icon?.replace('codicon-', '');
  }

  /** Waits until the icon in a line's margin is `expected`, or has gone. */
  async waitForBreakpointGlyph(line: number, expected: string | undefined): Promise<void> {
    await waitUntil(
      `line ${line} shows ${expected ?? 'no breakpoint'}`,
      async () => (await this.breakpointGlyph(line)) === expected,
    );
  }

  /** The message that VS Code shows when the pointer rests on a line's breakpoint. */
  async breakpointHover(line: number): Promise<string> {
    const box = await waitUntil(`line ${line} is in the page`, () => this.#lineBox(line));
    await this.page.mouse.move(box.glyphX, box.y + box.height / 2);
    return waitUntil(`the breakpoint of line ${line} has a hover`, async () => {
      const texts = await this.#texts(
        '.monaco-hover:visible .hover-contents, .workbench-hover:visible',
      );
      return texts.join('\n') || undefined;
    });
  }

  async #clickGlyphMargin(line: number): Promise<void> {
    if (!(await this.#lineBox(line))) await this.goToLine(line);
    const box = await waitUntil(`line ${line} is in the page`, () => this.#lineBox(line));
    await this.page.mouse.click(box.glyphX, box.y + box.height / 2);
  }

  /** Where a line's number stands in the active editor; undefined while it is scrolled out. */
  async #lineBox(line: number): Promise<{ y: number; height: number; glyphX: number } | undefined> {
    const lines = await this.#lineNumbers();
    return lines.find((it) => it.line === line);
  }

  #lineNumbers(): Promise<{ line: number; y: number; height: number; glyphX: number }[]> {
    return this.page
      .locator('.editor-group-container.active .margin-view-overlays')
      .first()
      .evaluate((margin) => {
        const view = margin.closest('.overflow-guard')?.getBoundingClientRect();
        return [...margin.querySelectorAll('.line-numbers')].flatMap((element) => {
          const box = element.getBoundingClientRect();
          const inside = !view || (box.y >= view.y && box.bottom <= view.bottom);
          if (!inside) return [];
          const glyphX = margin.getBoundingClientRect().x + 10;
          return [{ line: Number(element.textContent), y: box.y, height: box.height, glyphX }];
        });
      });
  }

  // Debugging

  /** Presses F5 and waits for the debug toolbar. */
  async pressF5(): Promise<void> {
    await this.press('F5');
    await this.page.locator('.debug-toolbar').waitFor({ timeout: 60_000 });
  }

  /** True while the toolbar offers Continue, not Pause. */
  async isStopped(): Promise<boolean> {
    return this.page.locator('.debug-toolbar .codicon-debug-continue').isVisible();
  }

  /** Where the arrow of the next statement is in the active editor; undefined while the guest runs. */
  async stoppedAt(): Promise<StoppedAt | undefined> {
    if (!(await this.isStopped())) return undefined;
    const arrow = this.page.locator(
      '.editor-group-container.active .glyph-margin-widgets [class*="codicon-debug-stackframe"]',
    );
    if ((await arrow.count()) === 0) return undefined;
    // It may go between two looks.
    const box = await arrow
      .first()
      .boundingBox({ timeout: 1_000 })
      .catch(() => null);
    if (!box) return undefined;
    const line = (await this.#lineNumbers()).find((it) => Math.abs(it.y - box.y) < 6)?.line;
    const file = await this.activeEditor();
    return line === undefined || file === undefined ? undefined : { file, line };
  }

  /**
   * Waits until the guest is stopped and the window has settled: the same place twice, 200 ms apart. With `expected` it
   * waits for that place.
   */
  async waitForStopped(expected: Partial<StoppedAt> = {}): Promise<StoppedAt> {
    const wanted = JSON.stringify(expected);
    let last: StoppedAt | undefined;
    const fits = (at: StoppedAt): boolean =>
      (expected.file === undefined || expected.file === at.file) &&
      (expected.line === undefined || expected.line === at.line);
    try {
      return await waitUntil(`stopped at ${wanted}`, async () => {
        const first = await this.stoppedAt();
        if (!first) return undefined;
        last = first;
        if (!fits(first)) return undefined;
        await sleep(200);
        const second = await this.stoppedAt();
        return second?.file === first.file && second.line === first.line && second;
      });
    } catch (error) {
      throw new Error(`Not stopped at ${wanted}; last seen at ${JSON.stringify(last)}.`, {
        cause: error,
      });
    }
  }

  /** Presses a stepping key (F10, F11, Shift+F11, F5) and waits for the next stop. */
  async step(key: string, expected: Partial<StoppedAt> = {}): Promise<StoppedAt> {
    await this.press(key);
    // VS Code takes the arrow away at once when the adapter answers; a fast step may already be back.
    await sleep(150);
    return this.waitForStopped(expected);
  }

  /** Presses Shift+F5 and waits until the toolbar has gone. */
  async stopDebugging(): Promise<void> {
    await this.press('Shift+F5');
    await this.waitForEnd();
  }

  /** Waits until no debug session is left. */
  async waitForEnd(): Promise<void> {
    await this.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
  }

  // Views

  /** Shows the side bar "Run and Debug". */
  async showRunAndDebug(): Promise<void> {
    await this.press('Control+Shift+d');
    await this.page.locator('.debug-viewlet').waitFor();
  }

  /** Opens a section of Run and Debug and gives its list. */
  async view(title: ViewTitle): Promise<Locator> {
    if (!(await this.page.locator('.debug-viewlet').isVisible())) await this.showRunAndDebug();
    const pane = this.page
      .locator('.debug-viewlet .pane')
      .filter({ has: this.page.locator(`.pane-header[aria-label^="${title}"]`) });
    const header = pane.locator('.pane-header');
    await header.waitFor();
    if ((await header.getAttribute('aria-expanded')) === 'false') await header.click();
    return pane.locator('.monaco-list').first();
  }

  /** Closes sections, which gives their room to the others. */
  async collapseViews(...titles: ViewTitle[]): Promise<void> {
    for (const title of titles) {
      const header = this.page.locator(`.debug-viewlet .pane-header[aria-label^="${title}"]`);
      if ((await header.getAttribute('aria-expanded')) === 'true') await header.click();
    }
  }

  /** All rows of a view, from top to bottom. */
  async treeRows(title: ViewTitle): Promise<TreeRow[]> {
    return rowsFrom(this.page, await this.view(title), 0);
  }

  /** All rows of the Variables view. */
  async variablesTree(): Promise<TreeRow[]> {
    return this.treeRows('Variables');
  }

  /** Opens each part of the path in turn, e.g. ['System registers', 'Debug', 'MDSCR_EL1']; gives the last row's children. */
  async expandVariable(steps: readonly string[]): Promise<TreeRow[]> {
    return this.expandRow('Variables', steps);
  }

  /** The row of the Variables view at the end of a path; its parents are opened. */
  async variable(steps: readonly string[]): Promise<TreeRow> {
    return this.findRow('Variables', steps);
  }

  /** Opens each part of the path in turn; gives the last row's children. */
  async expandRow(title: ViewTitle, steps: readonly string[]): Promise<TreeRow[]> {
    const list = await this.view(title);
    const row = await this.findRow(title, steps);
    await this.#setExpanded(list, row);
    const below = await rowsFrom(this.page, list, row.index + 1, (it) => it.level > row.level);
    return below.filter((it) => it.level === row.level + 1);
  }

  /** The row at the end of a path of names; its parents are opened. */
  async findRow(title: ViewTitle, steps: readonly string[]): Promise<TreeRow> {
    const list = await this.view(title);
    let found: TreeRow | undefined;
    for (const [depth, name] of steps.entries()) {
      const parent = found;
      if (parent) await this.#setExpanded(list, parent);
      found = await waitUntil(
        `the view ${title} has ${steps.slice(0, depth + 1).join(' > ')}`,
        async () => {
          let hit: TreeRow | undefined;
          await rowsFrom(this.page, list, parent ? parent.index + 1 : 0, (row) => {
            if (row.level === depth + 1 && row.name === name) hit = row;
            return hit === undefined && row.level > depth;
          });
          return hit;
        },
      );
    }
    if (!found) throw new TypeError('a path of names has at least one name');
    return found;
  }

  async #setExpanded(list: Locator, row: TreeRow): Promise<void> {
    const locator = await rowAt(this.page, list, row.index);
    const isClosed = async (): Promise<boolean> =>
      (await locator.getAttribute('aria-expanded')) === 'false';
    if (!(await isClosed())) return;
    await waitUntil(`"${row.name}" opens`, async () => {
      // VS Code opens a scope by itself when it fills the view: that may undo a click.
      const shown = await rowAt(this.page, list, row.index);
      if ((await shown.getAttribute('aria-expanded')) === 'false') {
        await shown.locator('.monaco-tl-twistie').click();
        await sleep(300);
      }
      // The row may stand at the lower edge, with its children below it.
      let seen = 0;
      const [child] = await rowsFrom(this.page, list, row.index + 1, () => (seen += 1) === 1);
      return child !== undefined && child.level > row.level;
    });
  }

  /** Double-clicks a variable, types the new value and presses Enter. */
  async setVariable(steps: readonly string[], value: string): Promise<void> {
    const list = await this.view('Variables');
    const row = await this.findRow('Variables', steps);
    const locator = await rowAt(this.page, list, row.index);
    await locator.locator('.expression').dblclick();
    const input = list.locator('.inputBoxContainer input, .monaco-inputbox input').first();
    await input.fill(value);
    await this.press('Enter');
    await input.waitFor({ state: 'hidden' });
  }

  /** Opens the context menu of a row and clicks an item of it. */
  async contextMenu(title: ViewTitle, steps: readonly string[], item: string): Promise<void> {
    const list = await this.view(title);
    const row = await this.findRow(title, steps);
    await (await rowAt(this.page, list, row.index)).click({ button: 'right' });
    await this.clickMenuItem(item);
  }

  /** The items of the open menu. */
  async menuItems(): Promise<string[]> {
    await this.page.locator('.monaco-menu .action-label').first().waitFor();
    return this.#texts('.monaco-menu .action-item:not(.disabled) .action-label:not(.separator)');
  }

  async clickMenuItem(item: string): Promise<void> {
    const label = this.page.locator('.monaco-menu .action-label', { hasText: item }).first();
    await label.waitFor();
    await label.hover();
    // A menu ignores the mouse button for its first moments, lest the click that opened it choose an item.
    await sleep(250);
    await label.click();
    await label.waitFor({ state: 'hidden' });
  }

  // Panels, status bar, messages

  /** Shows the debug console and gives all of its text. */
  async debugConsoleText(): Promise<string> {
    const list = await this.#debugConsole();
    const rows = await rowsFrom(this.page, list, 0);
    return rows.map((row) => row.text).join('\n');
  }

  /** Types a line into the debug console. */
  async enterInDebugConsole(text: string): Promise<void> {
    await this.#debugConsole();
    await this.page.locator('.repl .repl-input-wrapper .monaco-editor').click();
    await this.type(text);
    // Enter would accept a suggestion that is still open.
    await this.press('Escape');
    await this.press('Enter');
  }

  async #debugConsole(): Promise<Locator> {
    if (!(await this.page.locator('.repl').isVisible())) await this.press('Control+Shift+y');
    const list = this.page.locator('.repl .monaco-list').first();
    await list.waitFor();
    return list;
  }

  /** The rows of the terminal that is in front, without their trailing blanks. */
  async terminalText(): Promise<string> {
    const rows = await this.page
      .locator('.terminal-wrapper.active .xterm-rows > div')
      .allInnerTexts();
    return rows.map((row) => row.replaceAll('\u00a0', ' ')).join('\n');
  }

  async waitForTerminalText(expected: RegExp): Promise<void> {
    let text = '';
    await waitUntil(`the terminal shows ${String(expected)}`, async () => {
      text = await this.terminalText();
      return expected.test(text.replace(/\s+$/, ' '));
    });
  }

  /** With the focus in the terminal that is in front. */
  async typeInTerminal(text: string): Promise<void> {
    await this.page.locator('.terminal-wrapper.active .xterm-screen').click();
    await this.type(text);
  }

  /** The texts of the status bar, left to right, joined by " | ". */
  async statusBarText(): Promise<string> {
    const items = await this.#texts('.statusbar-item');
    return items.filter((it) => it !== '').join(' | ');
  }

  /** The messages of the notifications that are shown. */
  async notifications(): Promise<string[]> {
    return this.#texts('.notification-list-item-message');
  }

  /** Waits for a notification whose message contains `text` and gives the message. */
  async waitForNotification(text: string): Promise<string> {
    return waitUntil(`a notification says "${text}"`, async () =>
      (await this.notifications()).find((it) => it.includes(text)),
    );
  }

  /** The text of the open dialog; undefined when there is none. */
  async dialogText(): Promise<string | undefined> {
    const [text] = await this.#texts('.monaco-dialog-box .dialog-message-container');
    return text;
  }

  async clickDialogButton(name: string): Promise<void> {
    await this.page.locator('.monaco-dialog-box .monaco-button', { hasText: name }).first().click();
  }

  /** Saves what the window shows as test/vscode/screenshots/NAME.png and gives the path. */
  async screenshot(name: string): Promise<string> {
    mkdirSync(screenshots, { recursive: true });
    const file = path.join(screenshots, `${name.replaceAll(/[^\w.-]+/g, '-')}.png`);
    await this.page.screenshot({ path: file });
    return file;
  }

  #texts(selector: string): Promise<string[]> {
    return this.page
      .locator(selector)
      .evaluateAll((elements) =>
        elements.map((it) => it.textContent.replaceAll('\u00a0', ' ').replace(/\s+/g, ' ').trim()),
      );
  }
}
