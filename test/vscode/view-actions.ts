/** What these tests do with rows of views and with the text of editors. */
import type { Locator } from 'playwright-core';
import { rowAt } from './support/tree.ts';
import { waitUntil } from './support/wait-until.ts';
import type { ViewTitle, Workbench } from './support/workbench.ts';

async function locate(
  workbench: Workbench,
  title: ViewTitle,
  steps: readonly string[],
): Promise<Locator> {
  const list = await workbench.view(title);
  const row = await workbench.findRow(title, steps);
  return rowAt(workbench.page, list, row.index);
}

/** Clicks on the label of a row. */
export async function clickRow(
  workbench: Workbench,
  title: ViewTitle,
  steps: readonly string[],
): Promise<void> {
  await (await locate(workbench, title, steps)).locator('.monaco-tl-contents').click();
}

/** Clicks on the check box of a row. */
export async function clickCheckbox(
  workbench: Workbench,
  title: ViewTitle,
  steps: readonly string[],
): Promise<void> {
  await (await locate(workbench, title, steps)).locator('.monaco-custom-toggle').click();
}

/** Closes an open row. */
export async function collapseRow(
  workbench: Workbench,
  title: ViewTitle,
  steps: readonly string[],
): Promise<void> {
  const row = await locate(workbench, title, steps);
  if ((await row.getAttribute('aria-expanded')) !== 'true') return;
  await row.locator('.monaco-tl-twistie').click();
  await waitUntil(
    `"${steps.join(' > ')}" closes`,
    async () => (await row.getAttribute('aria-expanded')) === 'false',
  );
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
