import type { DebugProtocol } from '@vscode/debugprotocol';
import { all } from '../../emulator/sysregs/catalogue.ts';
import type { Debuggee } from '../debuggee.ts';
import { childCount, children } from '../expressions/children.ts';
import { compileExpression } from '../expressions/compile.ts';
import { ExpressionError } from '../expressions/expression-error.ts';
import { SymbolError } from '../symbols/symbol-error.ts';
import { canonicalRegisterName, describeRegister, fieldsOf } from '../registers.ts';

const MOST = 200;

/** DAP completions, for the console: variables, functions, members, registers and their fields. */
export function completions(
  debuggee: Debuggee,
  { text, column, frameId }: DebugProtocol.CompletionsArguments,
  columnsStartAt1: boolean,
): DebugProtocol.CompletionsResponse['body'] {
  const before = text.slice(0, Math.max(0, column - (columnsStartAt1 ? 1 : 0)));
  const word = /[$@]?\w*$/.exec(before)?.[0] ?? '';
  const owner = /([$@]?[\w.[\]>-]*[\w\]])(\.|->)\w*$/.exec(before)?.[1];
  const candidates =
    owner === undefined ? names(debuggee, word, frameId) : members(debuggee, owner, frameId);
  const lower = word.toLowerCase();
  const seen = new Set<string>();
  const targets: DebugProtocol.CompletionItem[] = [];
  for (const candidate of candidates) {
    if (!candidate.label.toLowerCase().startsWith(lower) || seen.has(candidate.label)) continue;
    seen.add(candidate.label);
    targets.push({ ...candidate, start: before.length - word.length, length: word.length });
    if (targets.length >= MOST) break;
  }
  return { targets };
}

function* names(
  debuggee: Debuggee,
  word: string,
  frameId: number | undefined,
): Generator<DebugProtocol.CompletionItem> {
  if (word.startsWith('$')) {
    yield* registers(debuggee);
    return;
  }
  if (word.startsWith('@')) {
    for (const fact of ['@cpu', '@el', '@pc', '@time', '@retired']) {
      yield { label: fact, type: 'keyword' };
    }
    return;
  }
  const { debugInfo } = debuggee;
  const frame = debuggee.functionFrame(frameId);
  if (frame !== undefined) {
    const locals = debugInfo.variablesAt(frame.machineFrame.lookupPc, frame.inlineDepth);
    for (const { name } of locals) yield { label: name, type: 'variable' };
  }
  for (const { name } of debugInfo.globals()) yield { label: name, type: 'variable' };
  for (const name of debugInfo.symbols.namesStartingWith(word))
    yield { label: name, type: 'function' };
}

function* registers(debuggee: Debuggee): Generator<DebugProtocol.CompletionItem> {
  const present = new Set(debuggee.machine.registerGroups().flatMap((group) => group.registers));
  for (const name of present) {
    const label = /^([XV]\d+|SP|PC|PSTATE|NZCV)$/.test(name)
      ? `$${name.toLowerCase()}`
      : `$${name}`;
    yield { label, type: 'value' };
  }
  for (const { name } of all) {
    if (!present.has(name) && debuggee.readRegister(name) !== undefined) {
      yield { label: `$${name}`, type: 'value' };
    }
  }
}

/** The members of what stands in front of the dot: fields of a register or of a struct. */
function members(
  debuggee: Debuggee,
  owner: string,
  frameId: number | undefined,
): DebugProtocol.CompletionItem[] {
  const register = owner.startsWith('$') ? canonicalRegisterName(owner.slice(1)) : undefined;
  if (register !== undefined) {
    const value = debuggee.readRegister(register) ?? 0n;
    return fieldsOf(describeRegister(register), value, (name) => debuggee.readRegister(name)).map(
      ({ name }) => ({ label: name, type: 'field' }),
    );
  }
  try {
    const context = debuggee.contextOf(debuggee.functionFrame(frameId));
    const value = compileExpression(owner).evaluate(context);
    if (childCount(value, context).named === 0) return [];
    return children(value, context, owner)
      .filter(({ name }) => /^\w+$/.test(name))
      .map(({ name }) => ({ label: name, type: 'field' }));
  } catch (error) {
    // Half-typed expressions are what completion is for: there is nothing to offer then.
    if (error instanceof ExpressionError || error instanceof SymbolError) return [];
    throw error;
  }
}
