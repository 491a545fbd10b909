/**
 * Checks the arguments of requests before anything looks at them: a client may send whatever it likes. Source of the
 * shapes: DAP 1.68.
 */
import { wrongRequestArgument } from './errors.ts';

type Check = (value: unknown) => string | undefined;

interface Shape {
  /** Names with `?` at the end may be left out. */
  readonly [name: string]: Check;
}

const string: Check = (value) => (typeof value === 'string' ? undefined : 'a string');
const boolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
const integer: Check = (value) => (Number.isSafeInteger(value) ? undefined : 'an integer');
const count: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'an integer from 0 up';

function oneOf(...choices: readonly string[]): Check {
  return (value) =>
    typeof value === 'string' && choices.includes(value)
      ? undefined
      : `one of ${choices.join(', ')}`;
}

/** Errors of parts carry the path of the part in front, separated by a tab. */
function list(item: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return 'a list';
    for (const [i, it] of value.entries()) {
      const problem = item(it);
      if (problem !== undefined) return inside(`[${i}]`, problem);
    }
    return undefined;
  };
}

function object(shape: Shape): Check {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'an object';
    const members = value as Readonly<Record<string, unknown>>;
    for (const [key, check] of Object.entries(shape)) {
      const optional = key.endsWith('?');
      const name = optional ? key.slice(0, -1) : key;
      const member = members[name];
      if (optional && (member === undefined || member === null)) continue;
      const problem = check(member);
      if (problem !== undefined) return inside(`.${name}`, problem);
    }
    return undefined;
  };
}

function inside(part: string, problem: string): string {
  return problem.includes('\t') ? part + problem : `${part}\t${problem}`;
}

const source = object({ 'path?': string, 'name?': string, 'sourceReference?': integer });
const granularity = oneOf('statement', 'line', 'instruction');
const step: Shape = { threadId: integer, 'granularity?': granularity, 'singleThread?': boolean };
const conditions: Shape = { 'condition?': string, 'hitCondition?': string, 'mode?': string };

const SHAPES: Readonly<Record<string, Shape>> = {
  initialize: { 'linesStartAt1?': boolean, 'columnsStartAt1?': boolean, 'pathFormat?': string },
  launch: {},
  attach: {},
  restart: {},
  disconnect: { 'restart?': boolean, 'terminateDebuggee?': boolean, 'suspendDebuggee?': boolean },
  terminate: { 'restart?': boolean },
  configurationDone: {},
  cancel: { 'requestId?': integer, 'progressId?': string },
  threads: {},
  setBreakpoints: {
    source,
    'breakpoints?': list(
      object({ line: integer, 'column?': integer, 'logMessage?': string, ...conditions }),
    ),
    'lines?': list(integer),
  },
  setFunctionBreakpoints: { breakpoints: list(object({ name: string, ...conditions })) },
  setInstructionBreakpoints: {
    breakpoints: list(object({ instructionReference: string, 'offset?': integer, ...conditions })),
  },
  setDataBreakpoints: {
    breakpoints: list(
      object({ dataId: string, 'accessType?': oneOf('read', 'write', 'readWrite'), ...conditions }),
    ),
  },
  setExceptionBreakpoints: {
    filters: list(string),
    'filterOptions?': list(object({ filterId: string, 'condition?': string })),
  },
  dataBreakpointInfo: {
    name: string,
    'variablesReference?': integer,
    'frameId?': integer,
    'bytes?': count,
    'asAddress?': boolean,
  },
  breakpointLocations: { source, line: integer, 'endLine?': integer, 'column?': integer },
  continue: { threadId: integer, 'singleThread?': boolean },
  next: step,
  stepIn: { ...step, 'targetId?': integer },
  stepOut: step,
  pause: { threadId: integer },
  goto: { threadId: integer, targetId: integer },
  gotoTargets: { source, line: integer, 'column?': integer },
  stackTrace: { threadId: integer, 'startFrame?': count, 'levels?': count },
  scopes: { frameId: integer },
  variables: {
    variablesReference: integer,
    'filter?': oneOf('indexed', 'named'),
    'start?': count,
    'count?': count,
  },
  setVariable: { variablesReference: integer, name: string, value: string },
  setExpression: { expression: string, value: string, 'frameId?': integer },
  evaluate: { expression: string, 'frameId?': integer, 'context?': string },
  completions: { text: string, column: integer, 'line?': integer, 'frameId?': integer },
  exceptionInfo: { threadId: integer },
  readMemory: { memoryReference: string, 'offset?': integer, count },
  writeMemory: {
    memoryReference: string,
    'offset?': integer,
    data: string,
    'allowPartial?': boolean,
  },
  disassemble: {
    memoryReference: string,
    'offset?': integer,
    'instructionOffset?': integer,
    instructionCount: count,
    'resolveSymbols?': boolean,
  },
  source: { 'source?': source, sourceReference: integer },
  loadedSources: {},
  modules: { 'startModule?': count, 'moduleCount?': count },
  'trapline/worldSwitch': { 'since?': count, 'limit?': count },
  'trapline/comparePolicies': { 'instructions?': count },
  'trapline/migrate': { hostProfile: string },
  'trapline/accessCounts': {},
  'trapline/switchPolicy': { policy: string },
  'trapline/switchFpPolicy': { policy: string },
  'trapline/switchTraceScheme': { scheme: string },
  'trapline/hostActivity': { activity: string },
  'trapline/deviceAttribute': {
    call: oneOf('set', 'get', 'has'),
    'vcpu?': count,
    group: integer,
    attribute: integer,
    'value?': integer,
  },
  'trapline/state': {},
  'trapline/debugResources': {},
  'trapline/setWatchpoint': {
    'expression?': string,
    'address?': string,
    'length?': count,
    accessType: oneOf('read', 'write', 'readWrite'),
    'mode?': oneOf('auto', 'hw', 'vm'),
    'frameId?': integer,
    'condition?': string,
    'hitCondition?': string,
  },
  'trapline/removeWatchpoint': { id: integer },
  'trapline/symbols': {},
  'trapline/predictAccess': {
    accesses: list(object({ register: string, direction: oneOf('read', 'write') })),
  },
  'trapline/setAnnotations': {
    annotations: list(
      object({ kind: oneOf('assert', 'log'), path: string, line: integer, text: string }),
    ),
  },
  'trapline/checkAbi': { function: string },
  'trapline/countExecutions': { labels: list(string) },
  'trapline/consoleInput': { text: string },
  'trapline/terminal': { exists: boolean },
};

/** Every request that has a shape is one that the adapter answers. */
export const KNOWN_REQUESTS: readonly string[] = Object.keys(SHAPES);

/** @throws UserError that names the argument which is wrong */
export function checkRequest(command: string, given: unknown): void {
  const shape = Object.hasOwn(SHAPES, command) ? SHAPES[command] : undefined;
  if (shape === undefined) return;
  const problem = object(shape)(given ?? {});
  if (problem === undefined) return;
  const [path = '', expected = ''] = problem.includes('\t') ? problem.split('\t') : ['', problem];
  throw wrongRequestArgument(command, path === '' ? '"arguments"' : `"${path.slice(1)}"`, expected);
}

/** Members that are null are left out: some clients send null for what they do not set. */
export function withoutNulls(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(withoutNulls);
  if (typeof given !== 'object' || given === null) return given;
  return Object.fromEntries(
    Object.entries(given)
      .filter(([, member]) => member !== null)
      .map(([name, member]) => [name, withoutNulls(member)]),
  );
}
