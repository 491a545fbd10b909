/** The guest's and the debugger's breakpoints and watchpoints on the processor's slots, as a drawing and a table. */
import type { DebugResourcesResponse } from '../../debug-adapter/custom-requests.ts';
import { escapeMarkup } from './markup.ts';

type Slot = DebugResourcesResponse['slots'][number];
type GuestSlot = DebugResourcesResponse['guest'][number];
type Kind = Slot['kind'];

/** Pixels. */
const BOX_WIDTH = 190;
const BOX_HEIGHT = 36;
const ROW = 46;
const COLUMN = 260;
const MARGIN = 45;
const HEAD = 34;

const colours = {
  guest: 'var(--vscode-charts-blue)',
  debugger: 'var(--vscode-charts-orange)',
  free: 'var(--vscode-disabledForeground)',
  text: 'var(--vscode-foreground)',
} as const;

const letterOf = (kind: Kind): string => (kind === 'breakpoint' ? 'B' : 'W');

interface Point {
  readonly x: number;
  readonly y: number;
}

/** All slots of one kind; the guest's own are at the left, the debugger's at the right. */
export function slotDrawing(kind: Kind, { slots, guest }: DebugResourcesResponse): string {
  const physical = slots.filter((it) => it.kind === kind);
  const used = guest.filter((it) => it.kind === kind);
  const rows = Math.max(physical.length, ...used.map(({ index }) => index + 1), 1);
  const height = HEAD + rows * ROW + 10;
  const width = 2 * MARGIN + 2 * COLUMN + BOX_WIDTH;
  const at = (column: number, row: number): Point => ({
    x: MARGIN + column * COLUMN,
    y: HEAD + row * ROW,
  });
  const parts = [
    heading(at(0, 0), 'Guest'),
    heading(at(1, 0), 'Processor'),
    heading(at(2, 0), 'Debugger'),
  ];
  for (const slot of physical) {
    const { owner } = slot;
    const place = at(1, slot.slot);
    const aware = slot.contextAware ? ', compares contexts' : '';
    parts.push(
      box(place, `DBG${letterOf(kind)} ${slot.slot}${aware}`, ownerText(slot), colours[owner]),
    );
    if (owner !== 'debugger') continue;
    const mine = at(2, slot.slot);
    parts.push(
      box(mine, `asked for ${slot.slot}`, slot.symbol ?? slot.value, colours.debugger),
      arrow({ x: mine.x, y: middle(mine) }, { x: place.x + BOX_WIDTH, y: middle(place) }, owner),
    );
  }
  for (const entry of used) {
    const place = at(0, entry.index);
    const text = entry.symbol ?? entry.value;
    parts.push(box(place, `DBG${letterOf(kind)} ${entry.index}`, text, colours.guest));
    const from = { x: place.x + BOX_WIDTH, y: middle(place) };
    if (entry.slot === undefined) {
      parts.push(label({ x: from.x + 8, y: from.y + 4 }, 'no slot'));
    } else {
      const target = at(1, entry.slot);
      parts.push(arrow(from, { x: target.x, y: middle(target) }, 'guest'));
    }
    if (entry.linkedTo !== undefined && kind === 'breakpoint') {
      parts.push(link(place, at(0, entry.linkedTo)));
    }
  }
  const title = `${kind === 'breakpoint' ? 'Breakpoint' : 'Watchpoint'} slots: who is on which`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${title}"><defs>${marker('guest')}${marker('debugger')}</defs>${parts.join('')}</svg>`;
}

function ownerText({ owner, value, symbol }: Slot): string {
  return owner === 'free' ? 'free' : `${owner}: ${symbol ?? value}`;
}
const middle = ({ y }: Point): number => y + BOX_HEIGHT / 2;

function heading({ x, y }: Point, text: string): string {
  return `<text x="${x}" y="${y - 14}" font-weight="bold" fill="${colours.text}">${text}</text>`;
}
function label({ x, y }: Point, text: string): string {
  return `<text x="${x}" y="${y}" font-size="11" fill="${colours.text}">${escapeMarkup(text)}</text>`;
}
function box({ x, y }: Point, title: string, text: string, colour: string): string {
  return [
    `<rect x="${x}" y="${y}" width="${BOX_WIDTH}" height="${BOX_HEIGHT}" rx="3" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
    `<text x="${x + 6}" y="${y + 14}" font-size="12" fill="${colours.text}">${escapeMarkup(title)}</text>`,
    `<text x="${x + 6}" y="${y + 30}" font-size="13" fill="${colours.text}">${escapeMarkup(shortened(text))}</text>`,
  ].join('');
}
function shortened(text: string): string {
  return text.length > 26 ? `${text.slice(0, 25)}…` : text;
}
function arrow(from: Point, to: Point, owner: 'guest' | 'debugger'): string {
  const bend = (to.x - from.x) / 2;
  const path = `M${from.x},${from.y} C${from.x + bend},${from.y} ${to.x - bend},${to.y} ${to.x},${to.y}`;
  return `<path d="${path}" fill="none" stroke="${colours[owner]}" stroke-width="1.5" marker-end="url(#${owner})"/>`;
}
/** From a breakpoint to the context comparator that it is linked to, at the left of both. */
function link(from: Point, to: Point): string {
  const [a, b] = [middle(from), middle(to)];
  const path = `M${from.x},${a} C${from.x - 40},${a} ${to.x - 40},${b} ${to.x},${b}`;
  return `<path d="${path}" fill="none" stroke="${colours.guest}" stroke-dasharray="4 3" marker-end="url(#guest)"><title>linked</title></path>`;
}
function marker(owner: 'guest' | 'debugger'): string {
  return `<marker id="${owner}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z" fill="${colours[owner]}"/></marker>`;
}

function verdictTable({ slots, guest }: DebugResourcesResponse): string {
  const rows = slots.map(
    (slot) =>
      `<tr><th scope="row">${slot.kind} ${slot.slot}</th><td>${slot.owner}</td><td>${escapeMarkup(placeOf(slot))}</td><td>${escapeMarkup(slot.verdict)}</td></tr>`,
  );
  const homeless = guest
    .filter(({ slot }) => slot === undefined)
    .map(
      (entry) =>
        `<tr><th scope="row">guest's ${entry.kind} ${entry.index}</th><td>guest</td><td>${escapeMarkup(placeOf(entry))}</td><td>${escapeMarkup(entry.verdict)}</td></tr>`,
    );
  return `<table><thead><tr><th scope="col">slot</th><th scope="col">owner</th><th scope="col">value</th><th scope="col">will it fire?</th></tr></thead><tbody>${[...rows, ...homeless].join('')}</tbody></table>`;
}
function placeOf(entry: Slot | GuestSlot): string {
  const { value, symbol } = entry;
  if ('owner' in entry && entry.owner === 'free') return '';
  return symbol === undefined ? value : `${value} <${symbol}>`;
}

export function slotMapPage(
  resources: DebugResourcesResponse,
  {
    program,
    policy,
    cspSource,
    nonce,
  }: {
    readonly program: string;
    readonly policy: string;
    readonly cspSource: string;
    readonly nonce: string;
  },
): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${cspSource} 'nonce-${nonce}';">
<title>Debug slots</title>
<style nonce="${nonce}">
  body { font: var(--vscode-font-size) var(--vscode-font-family); color: var(--vscode-foreground); padding: 0 1.5em 2em; }
  svg { max-width: 100%; height: auto; display: block; margin-bottom: 1em; }
  table { border-collapse: collapse; }
  th, td { padding: 0.25em 0.8em; text-align: left; vertical-align: top; border-bottom: 1px solid var(--vscode-widget-border, var(--vscode-panel-border)); }
</style>
</head>
<body>
<h1>Debug slots of ${escapeMarkup(program)} under ${escapeMarkup(policy)}</h1>
<h2>Breakpoints</h2>
${slotDrawing('breakpoint', resources)}
<h2>Watchpoints</h2>
${slotDrawing('watchpoint', resources)}
<h2>Each slot</h2>
${verdictTable(resources)}
</body>
</html>
`;
}
