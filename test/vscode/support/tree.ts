/**
 * Reads VS Code's trees and lists. They keep only the visible rows in the page, so reading all of them means scrolling
 * through; rows are told apart by their index.
 */
import type { Locator, Page } from 'playwright-core';
import { sleep, waitUntil } from './wait-until.ts';

/** Pixels, in every list that we read. */
const ROW_HEIGHT = 22;
/** What one event of the mouse wheel scrolls in a list, whatever it says: 50 times the setting in server.ts. */
const PIXELS_A_TURN = 88;

/** One row of a tree, as the user sees it. */
export interface TreeRow {
  /** Position in the list of rows, from 0. */
  readonly index: number;
  /** Depth in the tree, from 1. */
  readonly level: number;
  /** Undefined for a row without children. */
  readonly expanded: boolean | undefined;
  /** A variable's or scope's name; the label of any other row. */
  readonly name: string;
  /** A variable's value, or the greyed description of another row; empty when there is none. */
  readonly value: string;
  /** The whole text of the row, spaces collapsed. */
  readonly text: string;
  /** The row's accessible label: icons and check boxes appear here in words. */
  readonly ariaLabel: string;
}

/** The rows in the page now. */
export function visibleRows(list: Locator): Promise<TreeRow[]> {
  return list.evaluate((element) =>
    [...element.querySelectorAll<HTMLElement>('.monaco-list-row')]
      .map((row) => {
        const clean = (text: string | null | undefined): string =>
          (text ?? '').replaceAll('\u00a0', ' ').replace(/\s+/g, ' ').trim();
        const part = (selector: string): string => clean(row.querySelector(selector)?.textContent);
        const expanded = row.getAttribute('aria-expanded');
        const contents = (row.querySelector('.monaco-tl-contents') ?? row).cloneNode(
          true,
        ) as Element;
        // How often a console line repeated: hidden while it did not, and never part of the line.
        for (const badge of contents.querySelectorAll('.count-badge-wrapper')) badge.remove();
        const text = clean(contents.textContent);
        return {
          index: Number(row.dataset['index']),
          level: Number(row.getAttribute('aria-level') ?? 1),
          expanded: expanded === null ? undefined : expanded === 'true',
          name:
            part('.expression .name').replace(/ ?[:=]$/, '') ||
            part(
              '.stack-frame .label, .breakpoint .name, .label-name, .monaco-highlighted-label',
            ) ||
            text,
          value:
            part('.expression .value') ||
            part('.stack-frame .file, .breakpoint .line-number, .label-description'),
          text,
          ariaLabel: row.getAttribute('aria-label') ?? '',
        };
      })
      .sort((a, b) => a.index - b.index),
  );
}

/** All rows from the one at index `from`, in order, as long as `wanted` says so; scrolls through the list. */
export async function rowsFrom(
  page: Page,
  list: Locator,
  from: number,
  wanted: (row: TreeRow) => boolean = () => true,
): Promise<TreeRow[]> {
  const rows: TreeRow[] = [];
  await scrollTo(page, list, from);
  for (;;) {
    const before = rows.length;
    for (const row of await visibleRows(list)) {
      if (row.index !== from + rows.length) continue;
      if (!wanted(row)) return rows;
      rows.push(row);
    }
    if (rows.length === before) return rows;
    const height = (await list.boundingBox())?.height ?? 0;
    await scroll(page, list, Math.max(PIXELS_A_TURN, height - PIXELS_A_TURN));
  }
}

/** Scrolls until the row is wholly in the page and gives it. */
export async function rowAt(page: Page, list: Locator, index: number): Promise<Locator> {
  const row = list.locator(`.monaco-list-row[data-index="${index}"]`);
  await waitUntil(`row ${index} of the tree can be scrolled to`, async () => {
    const inner = (await row.count()) > 0 ? await row.boundingBox() : null;
    const outer = await list.boundingBox();
    if (!outer) return undefined;
    if (inner && inner.y >= outer.y - 1 && inner.y + inner.height <= outer.y + outer.height + 1) {
      return true;
    }
    const rows = await visibleRows(list);
    const middle = rows[Math.floor(rows.length / 2)]?.index ?? 0;
    await scroll(page, list, (index - middle) * ROW_HEIGHT);
    return undefined;
  });
  return row;
}

/** Brings the row at the index into the page; does nothing when the list is shorter. */
async function scrollTo(page: Page, list: Locator, index: number): Promise<void> {
  let lastSeen = '';
  for (;;) {
    const indices = (await visibleRows(list)).map((row) => row.index);
    const seen = indices.join();
    if (indices.length === 0 || indices.includes(index) || seen === lastSeen) return;
    lastSeen = seen;
    await scroll(page, list, (index - (indices[0] ?? 0)) * ROW_HEIGHT);
  }
}

async function scroll(page: Page, list: Locator, pixels: number): Promise<void> {
  const box = await list.boundingBox();
  if (!box) return;
  await page.mouse.move(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20));
  for (let turns = Math.ceil(Math.abs(pixels) / PIXELS_A_TURN); turns > 0; turns--) {
    await page.mouse.wheel(0, Math.sign(pixels) * 100);
  }
  await sleep(80);
}
