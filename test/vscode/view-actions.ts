/** What these tests do with rows of views and with the text of editors. */
import type { Locator } from 'playwright-core';
import { rowAt, rowsFrom, type TreeRow } from './support/tree.ts';
import { waitUntil } from './support/wait-until.ts';
import type { Workbench } from './support/workbench.ts';

/** Saves what the window shows, once menus, hovers and messages have faded in. */
export async function screenshot(workbench: Workbench, name: string): Promise<void> {
  await workbench.page.waitForTimeout(500);
  await workbench.screenshot(name);
}

/** The views of the panel "Trapline". */
export type PanelView = 'World Switch' | 'Debug Resources';

/** Shows the panel by its command, and waits until it has taken the focus. */
export async function showPanel(workbench: Workbench): Promise<void> {
  await workbench.runCommand('Trapline: Show World Switch');
  await workbench.page.locator('.part.panel .pane-header[aria-label^="World Switch"]').waitFor();
  await workbench.page.waitForTimeout(500);
}

/** Opens the panel if it is not there and gives the list of one of its views. */
async function panelList(workbench: Workbench, title: PanelView): Promise<Locator> {
  const { page } = workbench;
  const ownHeader = page.locator(`.pane-header[aria-label^="${title}"]`);
  const pane = page.locator('.part.panel .pane').filter({ has: ownHeader });
  const header = pane.locator('.pane-header');
  if (!(await header.isVisible())) await showPanel(workbench);
  if ((await header.getAttribute('aria-expanded')) === 'false') await header.click();
  return pane.locator('.monaco-list').first();
}

/** All rows of a view, from top to bottom. */
export async function panelRows(workbench: Workbench, title: PanelView): Promise<TreeRow[]> {
  return rowsFrom(workbench.page, await panelList(workbench, title), 0);
}

/** The children of a top row, which is opened; waits until there is one. */
export async function panelChildren(
  workbench: Workbench,
  title: PanelView,
  parent: string,
): Promise<TreeRow[]> {
  await setExpanded(workbench, title, parent, true);
  return waitUntil(`"${parent}" has rows`, async () => {
    const rows = await panelRows(workbench, title);
    const start = rows.findIndex(({ level, name }) => level === 1 && name === parent) + 1;
    const end = rows.findIndex(({ level }, i) => i >= start && level === 1);
    const children = rows.slice(start, end < 0 ? undefined : end);
    return children.length > 0 ? children : undefined;
  });
}

/** Opens or closes a top row. */
export async function setExpanded(
  workbench: Workbench,
  title: PanelView,
  name: string,
  open: boolean,
): Promise<void> {
  const state = async (): Promise<string | null> => {
    const row = await panelRow(workbench, title, (it) => it.level === 1 && it.name === name);
    return row.getAttribute('aria-expanded');
  };
  await waitUntil(`"${name}" ${open ? 'opens' : 'closes'}`, async () => {
    if ((await state()) === String(open)) return true;
    // The view may open a row by itself when it is read anew, so one click can be the wrong one.
    const row = await panelRow(workbench, title, (it) => it.level === 1 && it.name === name);
    await row.locator('.monaco-tl-twistie').click();
    await workbench.page.waitForTimeout(500);
    return (await state()) === String(open);
  });
}

/** The first row that fits, scrolled into the page. */
export async function panelRow(
  workbench: Workbench,
  title: PanelView,
  fits: (row: TreeRow) => boolean,
): Promise<Locator> {
  const list = await panelList(workbench, title);
  const { index } = await waitUntil(`${title} has the row`, async () =>
    (await panelRows(workbench, title)).find(fits),
  );
  return rowAt(workbench.page, list, index);
}

/** The lines of the active editor, from the first to the last that is not empty; pages through it. */
export async function editorLines(workbench: Workbench): Promise<string[]> {
  const lines = new Map<number, string>();
  await workbench.page.locator('.editor-group-container.active .view-line').first().click();
  await workbench.press('Control+Home');
  for (let before = -1; before < lines.size;) {
    before = lines.size;
    for (const [number, text] of await visibleLines(workbench)) lines.set(number, text);
    await workbench.press('PageDown');
    await workbench.page.waitForTimeout(150);
    for (const [number, text] of await visibleLines(workbench)) lines.set(number, text);
  }
  const inOrder = [...lines].sort(([a], [b]) => a - b).map(([, text]) => text);
  return inOrder.slice(0, inOrder.findLastIndex((it) => it !== '') + 1);
}

/** Line numbers and texts that are in the page now. */
function visibleLines(workbench: Workbench): Promise<[number, string][]> {
  return workbench.page
    .locator('.editor-group-container.active .monaco-editor')
    .first()
    .evaluate((editor) => {
      const texts = new Map(
        [...editor.querySelectorAll('.view-line')].map((line) => [
          Math.round(line.getBoundingClientRect().y),
          line.textContent.replaceAll('\u00a0', ' '),
        ]),
      );
      return [...editor.querySelectorAll('.margin-view-overlays .line-numbers')].flatMap(
        (number): [number, string][] => {
          const text = texts.get(Math.round(number.getBoundingClientRect().y));
          return text === undefined ? [] : [[Number(number.textContent), text]];
        },
      );
    });
}

/** Shows Run and Debug and waits until its Variables view rests: VS Code fills it, and opens a scope, a moment later. */
export async function waitForVariables(workbench: Workbench): Promise<void> {
  await waitUntil(
    'the Variables view has scopes',
    async () => (await workbench.variablesTree()).length > 0,
  );
  await workbench.page.waitForTimeout(1_000);
}
