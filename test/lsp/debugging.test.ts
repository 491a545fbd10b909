/**
 * The acceptance cases that speak of a guest: the server and a debug session of the hello sample side by side, with a
 * client between them that passes on what an editor would.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type {
  CodeAction,
  CodeLens,
  Hover,
  InlayHint,
  InlineValueEvaluatableExpression,
  Location,
  MarkupContent,
  SemanticTokens,
} from 'vscode-languageserver';
import type {
  CheckAbiResponse,
  CountExecutionsResponse,
  DebugResourcesResponse,
  PredictAccessResponse,
  SetAnnotationsResponse,
  SymbolsResponse,
  WatchpointRow,
} from '../../debug-adapter/custom-requests.ts';
import type { Annotation } from '../../language-server/features/annotations.ts';
import type { SystemAccess } from '../../language-server/features/accesses.ts';
import { DapClient } from '../dap/support/client.ts';
import { samplePath, sampleProgram } from '../dap/support/samples.ts';
import { Client, everywhere } from './client.ts';
import type { OpenFile } from './client.ts';

const MIX = samplePath('hello', 'mix.S');
/** `ror w0, w0, #27` and `and w1, w1, #0xff`, as the sample has them. */
const ROR_AND = Buffer.from(Uint32Array.of(0x13806c00, 0x12001c21).buffer);
/** mov x20, #1 */
const MOV_X20_1 = 0xd2800034;

describe('acceptance cases of the language server with a guest', () => {
  let folder: string;
  let editor: Client;
  let guest: DapClient;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'acceptance-'));
    editor = await Client.start(folder);
  });
  beforeEach(() => {
    guest = new DapClient();
  });
  afterEach(async () => {
    await editor.closeAll();
    await editor.connection.sendNotification('trapline/debugger', null);
    await guest.disconnect();
    assert.deepEqual(guest.logged, []);
  });
  after(async () => {
    await editor.stop();
    rmSync(folder, { recursive: true });
  });

  /** Stops at the first instruction of `mix`. */
  async function stopAtMix(more: Record<string, unknown> = {}): Promise<void> {
    await guest.start(
      { program: sampleProgram('hello'), stopOnEntry: false, ...more },
      async () => {
        await guest.send('setFunctionBreakpoints', { breakpoints: [{ name: 'mix' }] });
      },
    );
    await guest.stopped();
  }

  /** What the extension tells the server of the session. */
  async function tellServer(labels: readonly string[] = []): Promise<void> {
    const { symbols } = await guest.send<SymbolsResponse>('trapline/symbols');
    const { slots } = await guest.send<DebugResourcesResponse>('trapline/debugResources');
    const watchpoints = slots.filter(({ kind }) => kind === 'watchpoint');
    const counted =
      labels.length === 0
        ? undefined
        : await guest.send<CountExecutionsResponse>('trapline/countExecutions', { labels });
    await editor.connection.sendNotification('trapline/debugger', {
      symbols,
      watchpoints: {
        free: watchpoints.filter(({ owner }) => owner === 'free').length,
        all: watchpoints.length,
      },
      ...counted,
    });
  }

  /** The sample's source, with a comment put behind the line that holds a text. */
  async function openMix(at?: string, comment?: string): Promise<OpenFile> {
    const lines = readFileSync(MIX, 'utf8').split('\n');
    const row = lines.findIndex((line) => at !== undefined && line.includes(at));
    if (row >= 0) lines[row] = `${lines[row]?.replace(/\s*\/\/.*$/, '') ?? ''} // ${comment ?? ''}`;
    const file = await editor.open(lines.join('\n'), { name: path.relative(folder, MIX) });
    return { ...file, position: { line: row, character: 8 } };
  }

  const lineOf = (text: string): number =>
    readFileSync(MIX, 'utf8')
      .split('\n')
      .findIndex((line) => line.includes(text)) + 1;

  async function hover(file: OpenFile): Promise<string> {
    const found = await editor.at<Hover | null>('hover', file);
    return (found?.contents as MarkupContent | undefined)?.value ?? '';
  }

  const evaluatable = ({ uri, position }: OpenFile): Promise<{ readonly expression: string }> =>
    editor.connection.sendRequest('trapline/evaluatableExpression', {
      textDocument: { uri },
      position,
    });

  it('11: the hover of a label has the address of the program that runs', async () => {
    await stopAtMix();
    await tellServer();
    const { id } = await guest.topFrame();
    const { result } = await guest.send<DebugProtocol.EvaluateResponse['body']>('evaluate', {
      expression: '$pc',
      frameId: id,
    });
    const address = /0x[0-9a-f]+/.exec(result)?.[0] ?? '';
    const text = await hover(await editor.open('.global mix\n bl mi|x\nmix: ret\n'));
    assert.equal(BigInt(/at (0x[0-9a-f]+)/.exec(text)?.[1] ?? '0'), BigInt(address));
  });

  it('60: literal loads and ADRP show addresses', async () => {
    await stopAtMix();
    await tellServer();
    const file = await editor.open('ldr x0, =mix\nadrp x0, mix\n');
    const hints = await editor.of<InlayHint[]>('inlayHint', file, { range: everywhere });
    const [load = 0n, page] = hints.map(({ label }) => BigInt((label as string).trim()));
    assert.equal(load, BigInt((await guest.topFrame()).instructionPointerReference ?? '0'));
    assert.equal(page, load & ~0xfffn);
  });

  it('62: the lens of data has the free slots, of 16', async () => {
    await stopAtMix({ hostProfile: '16-2-16' });
    await tellServer();
    const file = await editor.open('.data\nvalue: .quad 1\n');
    const lenses = await editor.of<CodeLens[]>('codeLens', file);
    assert.ok(
      lenses.some(({ command }) => command?.title === 'Watch writes (hardware): 16 of 16 free'),
      JSON.stringify(lenses.map(({ command }) => command?.title)),
    );
  });

  it('63: @watch on a data label is one data breakpoint with its condition', async () => {
    await editor.open('.data\nsensor: .quad 1 // @watch rw 8 if x0 > 4\n');
    const all = await editor.connection.sendRequest<Annotation[]>('trapline/annotations');
    const watch = all.find(({ kind }) => kind === 'watch');
    assert.ok(watch?.kind === 'watch');
    assert.deepEqual(
      [watch.symbol, watch.accessType, watch.length, watch.condition],
      ['sensor', 'readWrite', 8, '$x0 > 4'],
    );
    assert.equal(watch.line, 1);
  });

  it('63: a watchpoint on a label of assembly, of which the program knows no size, stops at the write', async () => {
    const program = path.resolve(import.meta.dirname, '../vscode/guests/assembly/program.elf');
    await guest.start({ program, stopOnEntry: false }, async () => {
      const row = await guest.send<WatchpointRow>('trapline/setWatchpoint', {
        expression: 'counter',
        length: 8,
        accessType: 'write',
        condition: '$x10 == 0x1003',
      });
      assert.deepEqual([row.label, row.length], ['counter', 8]);
      assert.equal(row.verified, true, row.message);
    });
    const { reason } = await guest.stopped();
    assert.equal(reason, 'data breakpoint');
    assert.match(await guest.evaluate('$x10'), /^4099/);
  });

  async function annotate(at: string, comment: string): Promise<SetAnnotationsResponse> {
    await openMix(at, comment);
    const all = await editor.connection.sendRequest<Annotation[]>('trapline/annotations');
    return guest.send<SetAnnotationsResponse>('trapline/setAnnotations', {
      annotations: all.flatMap((it) =>
        it.kind === 'watch' ? [] : [{ kind: it.kind, path: MIX, line: it.line + 1, text: it.text }],
      ),
    });
  }

  it('63, 79: @assert stops where it does not hold, with both values', async () => {
    await guest.start({ program: sampleProgram('hello'), stopOnEntry: false }, async () => {
      const { annotations } = await annotate('eor ', '@assert w1 < 2');
      assert.deepEqual(
        annotations.map(({ line, verified }) => [line, verified]),
        [[lineOf('eor '), true]],
      );
    });
    const stop = await guest.stopped();
    assert.equal(stop.reason, 'assertion');
    assert.match(stop.description ?? '', /\$w1 < 2/);
    assert.match(stop.text ?? '', /\$w1 is \d+.*2 is 2/);
    assert.equal((await guest.topFrame()).line, lineOf('eor '));
  });

  it('63: an @assert that holds does not stop', async () => {
    await guest.start({ program: sampleProgram('hello'), stopOnEntry: false }, async () => {
      await annotate('eor ', '@assert w1 < 0x100');
    });
    await guest.event('terminated');
  });

  it('63: @log prints and goes on', async () => {
    await guest.start({ program: sampleProgram('hello'), stopOnEntry: false }, async () => {
      await annotate('ror ', '@log "w1={w1}"');
    });
    await guest.event('terminated');
    assert.match(guest.textOf('console'), /w1=\d+/);
  });

  it('69: inline values are those of the lines up to the stop', async () => {
    await stopAtMix();
    await guest.resume('next', { granularity: 'instruction' });
    const { line } = await guest.topFrame();
    const file = await openMix();
    const values = await editor.of<InlineValueEvaluatableExpression[]>('inlineValue', file, {
      range: everywhere,
      context: {
        frameId: 1,
        stoppedLocation: {
          start: { line: line - 1, character: 0 },
          end: { line: line - 1, character: 0 },
        },
      },
    });
    assert.deepEqual(
      values.map(({ range, expression }) => [range.start.line + 1, expression]),
      [
        [lineOf('ror '), '$w0'],
        [lineOf('and     w1'), '$w1'],
      ],
    );
    for (const { expression } of values) {
      assert.match(await guest.evaluate(expression ?? ''), /^-?\d/);
    }
  });

  it('70: memory operands, halves of registers and data are evaluated', async () => {
    await stopAtMix();
    const evaluated = async (marked: string): Promise<string> =>
      (await evaluatable(await editor.open(marked))).expression;
    const memory = await evaluated('ldr x0, [sp, #16|]');
    assert.equal(memory, '*(unsigned long*)($sp+16)');
    assert.match(await guest.evaluate(memory), /^\d/);
    const half = await evaluated('mov w0, w3|');
    assert.equal(half, '$w3');
    const whole = BigInt((await guest.evaluate('(unsigned long)$x3')).split(' ')[0] ?? '0');
    const low = BigInt((await guest.evaluate('(unsigned int)$w3')).split(' ')[0] ?? '0');
    assert.equal(low, whole & 0xffffffffn);
    assert.equal(await evaluated('ldr x0, =foo|\n.data\nfoo: .quad 1\n'), '*(unsigned long*)&foo');
  });

  it('71: a hover of a system register has live fields, and marks those that changed', async () => {
    await stopAtMix();
    const fields = async (): Promise<Map<string, string>> => {
      const { id } = await guest.topFrame();
      const { variablesReference } = await guest.send<DebugProtocol.EvaluateResponse['body']>(
        'evaluate',
        { expression: '$mdscr_el1', frameId: id, context: 'hover' },
      );
      const found = await guest.variables(variablesReference);
      return new Map(found.map(({ name, value }) => [name, value]));
    };
    const before = await fields();
    assert.match(before.get('MDE') ?? '', /^0/);
    await guest.resume('next', { granularity: 'instruction' });
    const { id } = await guest.topFrame();
    await guest.send('evaluate', {
      expression: '$mdscr_el1 = 0x8000',
      frameId: id,
      context: 'repl',
    });
    const after = await fields();
    assert.match(after.get('MDE') ?? '', /^1.*\(was 0/);
    // A field that a comment names.
    const field = await evaluatable(await editor.open('isb // before MDSCR_EL1.M|DE is relied on'));
    const { result } = await guest.send<DebugProtocol.EvaluateResponse['body']>('evaluate', {
      expression: field.expression,
      frameId: id,
      context: 'hover',
    });
    assert.match(result, /^1/);
    assert.doesNotMatch(after.get('KDE') ?? '', /was/);
  });

  it('72: MSR DAIFClr shows which interrupts are masked', async () => {
    await stopAtMix();
    const { expression } = await evaluatable(await editor.open('msr daifcl|r, #2'));
    const { id } = await guest.topFrame();
    const { variablesReference } = await guest.send<DebugProtocol.EvaluateResponse['body']>(
      'evaluate',
      { expression, frameId: id, context: 'hover' },
    );
    const found = await guest.variables(variablesReference);
    const mask = found.find(({ name }) => name === 'I');
    assert.match(mask?.value ?? '', /masked|open|taken/i);
  });

  it('73: in C the value for a system register is decoded as its fields', async () => {
    await stopAtMix();
    const file = await editor.open(
      'void f(void)\n{\n  write_sysreg(0xffff0003, trblimitr_el1);\n}\n',
      {
        languageId: 'c',
      },
    );
    const [value] = await editor.of<InlineValueEvaluatableExpression[]>('inlineValue', file, {
      range: everywhere,
      context: {
        frameId: 1,
        stoppedLocation: {
          start: { line: 2, character: 0 },
          end: { line: 2, character: 0 },
        },
      },
    });
    assert.equal(value?.expression, '0xffff0003,trblimitr_el1');
    const text = await guest.evaluate(value.expression);
    for (const part of [/\bFM=1\b/, /\bE\b/]) assert.match(text, part);
  });

  it('74: disassembly as text has hovers, definitions by address and watchpoints', async () => {
    await stopAtMix();
    const frame = await guest.topFrame();
    const { instructions } = await guest.send<
      NonNullable<DebugProtocol.DisassembleResponse['body']>
    >('disassemble', {
      memoryReference: frame.instructionPointerReference,
      instructionCount: 4,
    });
    const listing = instructions
      .map(
        ({ address, instructionBytes, instruction }) =>
          `${address}: ${(instructionBytes ?? '').replaceAll(' ', '')} ${instruction}`,
      )
      .join('\n');
    const uri = editor.uriOf('mix.dis');
    await editor.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'aarch64-disassembly', version: 1, text: listing },
    });
    const [first = ''] = listing.split('\n');
    const at = (line: number, character: number): OpenFile => ({
      uri,
      text: listing,
      position: { line, character },
      diagnostics: [],
    });
    assert.match(await hover(at(0, first.lastIndexOf('ror') + 1)), /ror/);
    const [place] = await editor.at<Location[]>('definition', at(2, 4));
    assert.equal(place?.range.start.line, 2);
    const actions = await editor.of<CodeAction[]>(
      'codeAction',
      { uri },
      {
        range: { start: { line: 1, character: 4 }, end: { line: 1, character: 4 } },
        context: { diagnostics: [] },
      },
    );
    assert.match(actions[0]?.title ?? '', /Set watchpoint on 0x/);
    await editor.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  });

  it('77: a function that preserves its registers', async () => {
    await stopAtMix();
    const before = await guest.topFrame();
    const answer = await guest.send<CheckAbiResponse>('trapline/checkAbi', { function: 'mix' });
    assert.equal(answer.verdict, 'preserved');
    assert.deepEqual(
      (await guest.topFrame()).instructionPointerReference,
      before.instructionPointerReference,
    );
  });

  it('77: a function that changes x20, with the line', async () => {
    const program = path.join(folder, 'changed.elf');
    const bytes = readFileSync(sampleProgram('hello'));
    const at = bytes.indexOf(ROR_AND);
    assert.ok(at > 0);
    bytes.writeUInt32LE(MOV_X20_1, at + 4);
    writeFileSync(program, bytes);
    await stopAtMix({ program });
    const answer = await guest.send<CheckAbiResponse>('trapline/checkAbi', { function: 'mix' });
    assert.equal(answer.verdict, 'changed');
    assert.deepEqual(
      answer.changes.map(({ register, found, line }) => [register, BigInt(found), line]),
      [['X20', 1n, lineOf('and     w1')]],
    );
    assert.match(answer.text, /x20 changed at line \d+/);
  });

  it('78: lenses count executions, and what was never executed is greyed', async () => {
    await stopAtMix();
    await guest.send<CountExecutionsResponse>('trapline/countExecutions', {
      labels: ['mix', 'never'],
    });
    await guest.resume('continue');
    await guest.resume('continue');
    await tellServer(['mix']);
    const file = await editor.open('.global mix\n.type mix, %function\nmix: ret\n');
    const lenses = await editor.of<CodeLens[]>('codeLens', file);
    assert.ok(
      lenses.some(({ command }) => command?.title === 'executed 2 times'),
      JSON.stringify(lenses.map(({ command }) => command?.title)),
    );
    await editor.connection.sendNotification('trapline/debugger', {
      symbols: [],
      counts: [{ label: 'mix', count: 0 }],
    });
    const { data } = await editor.of<SemanticTokens>('semanticTokens/full', file);
    const inactive =
      editor.capabilities.semanticTokensProvider?.legend.tokenModifiers.indexOf('inactive') ?? 0;
    assert.ok(((data.at(-1) ?? 0) & (1 << inactive)) !== 0);
  });

  it('the predictor says what an access would do now', async () => {
    await stopAtMix();
    const file = await editor.open(
      'mrs x0, midr_el1\nmsr mdscr_el1, x0\nisb\nmsr hcr_el2, x0\nisb\n',
    );
    const accesses = await editor.connection.sendRequest<SystemAccess[]>(
      'trapline/systemAccesses',
      { textDocument: { uri: file.uri }, range: everywhere },
    );
    const { predictions } = await guest.send<PredictAccessResponse>('trapline/predictAccess', {
      accesses: accesses.map(({ register, direction }) => ({ register, direction })),
    });
    assert.deepEqual(
      predictions.map(({ text }) => text),
      ['is allowed at EL1', 'will be trapped to EL2 (MDCR_EL2.TDA)', 'is UNDEFINED at EL1'],
    );
  });
});
