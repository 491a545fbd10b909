import type { DebugProtocol } from '@vscode/debugprotocol';
import type { CodeRequest, Resolution } from '../breakpoints/breakpoints.ts';
import type { Debuggee } from '../debuggee.ts';
import { functionBodies, functionBody } from '../stepping/function-body.ts';

/** Most functions that a pattern may stand for. */
const MOST_MATCHES = 100;

/** DAP setFunctionBreakpoints: `main`, `file.c:function`, `/pattern/`, `*0x40080000`, or an assembler label. */
export function setFunctionBreakpoints(
  debuggee: Debuggee,
  { breakpoints }: DebugProtocol.SetFunctionBreakpointsArguments,
): DebugProtocol.SetFunctionBreakpointsResponse['body'] {
  const requests = breakpoints.map((it): CodeRequest => ({
    condition: it.condition,
    hitCondition: it.hitCondition,
    mode: (it as { mode?: string }).mode,
    key: it.name,
    resolution: resolveName(debuggee, it.name.trim()),
  }));
  return { breakpoints: debuggee.breakpoints.setCode('functions', 'function', requests) };
}

function resolveName(debuggee: Debuggee, name: string): Resolution {
  const { debugInfo } = debuggee;
  const address = /^\*\s*(0x[0-9a-f]{1,16})$/i.exec(name)?.[1];
  if (address !== undefined) return located(debuggee, [BigInt(address) & ~3n]);
  const pattern = /^\/(.+)\/(i?)$/.exec(name);
  if (pattern?.[1] !== undefined) return resolvePattern(debuggee, pattern[1], pattern[2] ?? '');
  const inFile = /^(.*[./\\][^:]*):(\w+)$/.exec(name);
  if (inFile?.[1] !== undefined && inFile[2] !== undefined) {
    const files = debugInfo.matchSource(inFile[1]);
    const found = debugInfo
      .findFunction(inFile[2])
      .filter(({ file }) => file !== undefined && files.includes(file));
    if (found.length > 0) {
      return located(
        debuggee,
        found.map(({ lowPc }) => functionBody(debugInfo, lowPc)),
      );
    }
  }
  const addresses = functionBodies(debugInfo, name);
  if (addresses.length > 0) return located(debuggee, addresses);
  return {
    addresses: [],
    problem: `The program has no function or label "${name}". Check the spelling; it may also be inlined everywhere or never linked.`,
  };
}

function resolvePattern(debuggee: Debuggee, text: string, flags: string): Resolution {
  let pattern: RegExp;
  try {
    pattern = new RegExp(text, flags);
  } catch {
    return {
      addresses: [],
      problem: `"/${text}/" is not a valid pattern. Write one such as /^uart_/.`,
    };
  }
  const { debugInfo } = debuggee;
  const names = new Set(
    debugInfo.image.symbols
      .filter(({ kind, name }) => kind === 'function' && pattern.test(name))
      .map(({ name }) => name),
  );
  if (names.size === 0) {
    return { addresses: [], problem: `No function of the program matches /${text}/.` };
  }
  if (names.size > MOST_MATCHES) {
    return {
      addresses: [],
      problem: `/${text}/ matches ${names.size} functions, more than ${MOST_MATCHES}. Narrow it down.`,
    };
  }
  return located(
    debuggee,
    [...names].flatMap((name) => functionBodies(debugInfo, name)),
  );
}

function located(debuggee: Debuggee, addresses: readonly bigint[]): Resolution {
  const [first] = addresses;
  const position = first === undefined ? undefined : debuggee.debugInfo.lineFor(first);
  if (position === undefined) return { addresses };
  return {
    addresses,
    source: debuggee.sources.describe(position.file),
    line: position.line,
    ...(position.column > 0 && { column: position.column }),
  };
}
