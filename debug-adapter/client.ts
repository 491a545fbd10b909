/** What the client can do, and how it counts lines and names files. Inside the adapter lines and columns start at 1. */
import type { DebugProtocol } from '@vscode/debugprotocol';

export interface Client {
  readonly linesStartAt1: boolean;
  readonly columnsStartAt1: boolean;
  readonly usesUris: boolean;
  readonly supportsInvalidatedEvent: boolean;
  readonly supportsMemoryEvent: boolean;
  readonly supportsProgressReporting: boolean;
}

export function describeClient(given: DebugProtocol.InitializeRequestArguments): Client {
  return {
    linesStartAt1: given.linesStartAt1 ?? true,
    columnsStartAt1: given.columnsStartAt1 ?? true,
    usesUris: given.pathFormat === 'uri',
    supportsInvalidatedEvent: given.supportsInvalidatedEvent ?? false,
    supportsMemoryEvent: given.supportsMemoryEvent ?? false,
    supportsProgressReporting: given.supportsProgressReporting ?? false,
  };
}

const LINE_NAMES = new Set(['line', 'endLine']);
const COLUMN_NAMES = new Set(['column', 'endColumn']);

/** Arguments as the adapter counts. */
export function fromClient(client: Client, given: unknown): unknown {
  return isPlain(client) ? given : convert(given, client, 1, pathFromUri);
}

/** A body as the client counts. */
export function toClient(client: Client, body: unknown): unknown {
  return isPlain(client) ? body : convert(body, client, -1, uriFromPath);
}

function isPlain({ linesStartAt1, columnsStartAt1, usesUris }: Client): boolean {
  return linesStartAt1 && columnsStartAt1 && !usesUris;
}

function convert(
  value: unknown,
  client: Client,
  step: 1 | -1,
  convertPath: (path: string) => string,
): unknown {
  if (Array.isArray(value)) {
    return value.map((item: unknown) => convert(item, client, step, convertPath));
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(members).map(([name, member]) => {
      if (typeof member === 'number' && LINE_NAMES.has(name) && !client.linesStartAt1) {
        return [name, step < 0 ? Math.max(0, member - 1) : member + 1];
      }
      if (typeof member === 'number' && COLUMN_NAMES.has(name) && !client.columnsStartAt1) {
        return [name, step < 0 ? Math.max(0, member - 1) : member + 1];
      }
      if (name === 'lines' && Array.isArray(member) && !client.linesStartAt1) {
        return [
          name,
          member.map((line: unknown) => (typeof line === 'number' ? line + step : line)),
        ];
      }
      const isSource = name === 'source' || name === 'location';
      const converted = convert(member, client, step, convertPath);
      if (!isSource || !client.usesUris) return [name, converted];
      return [name, withPath(converted, convertPath)];
    }),
  );
}

function withPath(source: unknown, convertPath: (path: string) => string): unknown {
  if (typeof source !== 'object' || source === null) return source;
  const { path, ...rest } = source as Readonly<Record<string, unknown>>;
  return typeof path === 'string' ? { ...rest, path: convertPath(path) } : source;
}

/** RFC 8089, the "file" URI scheme. */
function uriFromPath(path: string): string {
  if (!/^(\/|[a-z]:)/i.test(path)) return path;
  const rooted = path.startsWith('/') ? path : `/${path.replaceAll('\\', '/')}`;
  return `file://${rooted
    .split('/')
    .map(encodeURIComponent)
    .join('/')
    .replace(/^\/([a-z])%3A/i, '/$1:')}`;
}

function pathFromUri(uri: string): string {
  const rest = /^file:\/\/[^/]*(\/.*)$/i.exec(uri)?.[1];
  if (rest === undefined) return uri;
  let path: string;
  try {
    path = decodeURIComponent(rest);
  } catch {
    return uri;
  }
  return /^\/[a-z]:/i.test(path) ? path.slice(1) : path;
}
