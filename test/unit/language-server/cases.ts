/** Acceptance cases of the survey of language servers: input, request, what the answer says. */
import assert from 'node:assert/strict';
import type { CompletionItem, Hover, MarkupContent, Position } from 'vscode-languageserver';
import { LanguageService } from '../../../language-server/service.ts';

export interface Opened {
  readonly service: LanguageService;
  readonly uri: string;
  readonly position: Position;
}

/** Opens a text in which `|` marks the cursor; `\|` is a bar. Other files come by name. */
export function openAt(
  marked: string,
  files: Readonly<Record<string, string>> = {},
  languageId = 'aarch64',
): Opened {
  const all = new Map(Object.entries(files).map(([name, text]) => [`file:///w/${name}`, text]));
  const service = new LanguageService({ read: (uri) => all.get(uri) });
  for (const [uri, text] of all) {
    if (uri.endsWith('.c')) service.open(uri, 'c', text);
    else service.index(uri, text);
  }
  const at = marked.indexOf('|');
  const text = at < 0 ? marked : marked.slice(0, at) + marked.slice(at + 1);
  const before = text.slice(0, Math.max(0, at)).split('\n');
  const uri =
    languageId === 'c'
      ? 'file:///w/main.c'
      : languageId === 'rust'
        ? 'file:///w/main.rs'
        : 'file:///w/main.S';
  service.open(uri, languageId, text);
  return {
    service,
    uri,
    position: { line: before.length - 1, character: before.at(-1)?.length ?? 0 },
  };
}

export function hoverText(
  marked: string,
  files?: Readonly<Record<string, string>>,
  languageId?: string,
): string {
  const { service, uri, position } = openAt(marked, files, languageId);
  const hover: Hover | undefined = service.hover(uri, position);
  return (hover?.contents as MarkupContent | undefined)?.value ?? '';
}

export function completions(
  marked: string,
  files?: Readonly<Record<string, string>>,
  languageId?: string,
): CompletionItem[] {
  const { service, uri, position } = openAt(marked, files, languageId);
  return service.completion(uri, position).items;
}

export const labels = (items: readonly CompletionItem[]): string[] =>
  items.map(({ label }) => label);

/** `code@line:text`, where text is what the problem underlines. */
export function problems(
  text: string,
  files: Readonly<Record<string, string>> = {},
  languageId = 'aarch64',
  settings: Parameters<LanguageService['configure']>[0] = {},
): string[] {
  const { service, uri } = openAt(text, files, languageId);
  service.configure(settings);
  const lines = text.split('\n');
  return service.diagnostics(uri).map(({ code, range }) => {
    const line = lines[range.start.line] ?? '';
    return `${String(code)}@${range.start.line}:${line.slice(range.start.character, range.end.character)}`;
  });
}

export function includesAll(text: string, parts: readonly string[]): void {
  for (const part of parts) assert.ok(text.includes(part), `"${part}" is not in:\n${text}`);
}
