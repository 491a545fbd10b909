/** The cost of a guest under every debug policy, as a page with a table and a chart, as SVG and as JSON. */
import type { ComparePoliciesResponse, PolicyCost } from '../../debug-adapter/custom-requests.ts';
import { escapeMarkup } from './markup.ts';

type Figures = NonNullable<PolicyCost['figures']>;

interface Measure {
  readonly key: keyof Figures;
  readonly title: string;
  readonly meaning: string;
}

/** In the order of the columns; the chart shows those with a colour. */
const MEASURES: readonly Measure[] = [
  { key: 'traps', title: 'traps', meaning: 'accesses of the guest that the hypervisor took' },
  { key: 'bundleReads', title: 'debug reads', meaning: 'debug registers that it read (saves)' },
  { key: 'bundleWrites', title: 'debug writes', meaning: 'debug registers that it wrote (loads)' },
  { key: 'MDSCRWrites', title: 'MDSCR_EL1 writes', meaning: 'writes of MDSCR_EL1' },
  { key: 'MDCRWrites', title: 'MDCR_EL2 writes', meaning: 'writes of MDCR_EL2' },
  { key: 'entries', title: 'entries', meaning: 'entries of the guest' },
  { key: 'exits', title: 'exits', meaning: 'exits of the guest' },
  { key: 'MDSCRReads', title: 'MDSCR_EL1 reads', meaning: 'reads of MDSCR_EL1' },
  {
    key: 'IDReads',
    title: 'ID reads',
    meaning: 'reads of ID_AA64DFR0_EL1, which count the registers',
  },
];

const CHARTED = MEASURES.slice(0, 5);

/** A colour for each charted measure, and those of text and lines: CSS colours. */
export interface ChartColours {
  readonly series: readonly string[];
  readonly text: string;
  readonly line: string;
  readonly background: string;
}

/** The editor's own, for the page. */
export const THEME_COLOURS: ChartColours = {
  series: ['red', 'blue', 'orange', 'green', 'purple'].map(
    (name) => `var(--vscode-charts-${name})`,
  ),
  text: 'var(--vscode-foreground)',
  line: 'var(--vscode-charts-lines, var(--vscode-foreground))',
  background: 'none',
};

/** For a file, which no theme reaches. */
export const PRINT_COLOURS: ChartColours = {
  series: ['#c72e2e', '#1a66b3', '#b86e00', '#2d7d2d', '#6f3f9e'],
  text: '#1f1f1f',
  line: '#8a8a8a',
  background: '#ffffff',
};

/** Pixels of the chart. */
const WIDTH = 860;
const LABEL_WIDTH = 150;
const NUMBER_WIDTH = 90;
const BAR_HEIGHT = 11;
const GROUP_GAP = 14;
const LEGEND_HEIGHT = 34;

/**
 * Bars by policy, one for each charted measure. Their scale is logarithmic: policies differ by orders of magnitude, and
 * each bar carries its number.
 */
export function comparisonSvg(response: ComparePoliciesResponse, colours: ChartColours): string {
  const measured = response.policies.flatMap(({ policy, figures }) =>
    figures === undefined ? [] : [{ policy, figures }],
  );
  const largest = Math.max(
    1,
    ...measured.flatMap((it) => CHARTED.map(({ key }) => it.figures[key])),
  );
  const groupHeight = CHARTED.length * BAR_HEIGHT + GROUP_GAP;
  const height = LEGEND_HEIGHT + measured.length * groupHeight;
  const scale = (value: number): number =>
    (Math.log10(1 + value) / Math.log10(1 + largest)) * (WIDTH - LABEL_WIDTH - NUMBER_WIDTH);
  const parts: string[] = [];
  CHARTED.forEach(({ title }, i) => {
    const x = LABEL_WIDTH + i * 140;
    parts.push(
      `<rect x="${x}" y="6" width="11" height="11" fill="${colours.series[i] ?? ''}"/>`,
      text(x + 16, 16, title, colours),
    );
  });
  measured.forEach(({ policy, figures }, row) => {
    const top = LEGEND_HEIGHT + row * groupHeight;
    parts.push(text(0, top + groupHeight / 2, policy, colours));
    CHARTED.forEach(({ key, title }, i) => {
      const y = top + i * BAR_HEIGHT;
      const value = figures[key];
      const label = `${policy}: ${number(value)} ${title}`;
      parts.push(
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${scale(value).toFixed(1)}" height="${BAR_HEIGHT - 2}" fill="${colours.series[i] ?? ''}"><title>${escapeMarkup(label)}</title></rect>`,
        text(LABEL_WIDTH + scale(value) + 5, y + BAR_HEIGHT - 2.5, number(value), colours, 10),
      );
    });
  });
  parts.push(
    `<line x1="${LABEL_WIDTH}" y1="${LEGEND_HEIGHT - 4}" x2="${LABEL_WIDTH}" y2="${height}" stroke="${colours.line}"/>`,
  );
  const background =
    colours.background === 'none'
      ? ''
      : `<rect width="${WIDTH}" height="${height}" fill="${colours.background}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Cost by policy, on a logarithmic scale" font-family="sans-serif">${background}${parts.join('')}</svg>`;
}

function text(
  x: number,
  y: number,
  content: string,
  { text: fill }: ChartColours,
  size = 12,
): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" fill="${fill}">${escapeMarkup(content)}</text>`;
}

export function comparisonJson(program: string, response: ComparePoliciesResponse): string {
  return `${JSON.stringify({ program, ...response }, undefined, 2)}\n`;
}

export function comparisonTable(response: ComparePoliciesResponse, current: string): string {
  const head = MEASURES.map(
    ({ title, meaning }) =>
      `<th scope="col" title="${escapeMarkup(meaning)}">${escapeMarkup(title)}</th>`,
  ).join('');
  const smallest = new Map(
    MEASURES.map(({ key }) => [
      key,
      Math.min(...response.policies.flatMap(({ figures }) => figures?.[key] ?? [])),
    ]),
  );
  const rows = response.policies.map(({ policy, description, refusal, figures }) => {
    const mark = policy === current ? ' <span class="current">current</span>' : '';
    const name = `<th scope="row" title="${escapeMarkup(description)}">${escapeMarkup(policy)}${mark}</th>`;
    if (figures === undefined) {
      const reason = refusal ?? 'This guest was not run under it.';
      return `<tr>${name}<td colspan="${MEASURES.length}" class="refusal">${escapeMarkup(reason)}</td></tr>`;
    }
    const cells = MEASURES.map(({ key }) => {
      const best = figures[key] === smallest.get(key) ? ' class="least"' : '';
      return `<td${best}>${number(figures[key])}</td>`;
    });
    return `<tr>${name}${cells.join('')}</tr>`;
  });
  return `<table><thead><tr><th scope="col">policy</th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

export interface PageFacts {
  readonly program: string;
  /** The session's policy. */
  readonly current: string;
  /** For the content security policy: what may style and script the page. */
  readonly cspSource: string;
  readonly nonce: string;
}

export function comparisonPage(response: ComparePoliciesResponse, facts: PageFacts): string {
  const { program, current, cspSource, nonce } = facts;
  const limit = response.endedByLimit
    ? 'as many as the guest of this session had executed'
    : 'until the guest ended';
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${cspSource} 'nonce-${nonce}'; script-src 'nonce-${nonce}';">
<title>Compare policies</title>
<style nonce="${nonce}">
  body { font: var(--vscode-font-size) var(--vscode-font-family); color: var(--vscode-foreground); padding: 0 1.5em 2em; max-width: 70em; }
  table { border-collapse: collapse; margin: 1em 0 1.5em; }
  th, td { padding: 0.25em 0.8em; text-align: right; border-bottom: 1px solid var(--vscode-widget-border, var(--vscode-panel-border)); font-variant-numeric: tabular-nums; }
  th[scope="row"], thead th:first-child { text-align: left; }
  td.least { font-weight: bold; }
  td.refusal { text-align: left; color: var(--vscode-descriptionForeground); }
  .current { font-size: 85%; padding: 0 0.4em; border-radius: 0.6em; color: var(--vscode-badge-foreground); background: var(--vscode-badge-background); }
  svg { width: 100%; height: auto; }
  button { font: inherit; color: var(--vscode-button-foreground); background: var(--vscode-button-background); border: none; padding: 0.4em 1em; margin-right: 0.6em; cursor: pointer; }
  button:hover { background: var(--vscode-button-hoverBackground); }
  button:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 2px; }
  p.note { color: var(--vscode-descriptionForeground); }
</style>
</head>
<body>
<h1>${escapeMarkup(program)} under every debug policy</h1>
<p>The same guest with the same inputs, from its reset, and no debugger: ${number(response.instructions)} instructions, ${limit}. In bold the least of each column.</p>
${comparisonTable(response, current)}
<h2>Cost by policy</h2>
${comparisonSvg(response, THEME_COLOURS)}
<p class="note">The scale is logarithmic. Counted is what the hypervisor did to the processor; the guest's own time is the same under every policy.</p>
<p><button id="json">Export as JSON…</button><button id="svg">Export as SVG…</button></p>
<script nonce="${nonce}">
  const vscode = acquireVsCodeApi();
  for (const form of ['json', 'svg']) {
    document.getElementById(form).addEventListener('click', () => vscode.postMessage({ export: form }));
  }
</script>
</body>
</html>
`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
