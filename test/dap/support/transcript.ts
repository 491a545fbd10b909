/** What a user sees of a session, as text that is compared with a file. UPDATE_GOLDEN=1 writes the file. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DapClient } from './client.ts';
import { samplesFolder } from './samples.ts';

const folder = path.resolve(import.meta.dirname, '../transcripts');

export class Transcript {
  readonly #client: DapClient;
  readonly #lines: string[] = [];
  #printed = 0;

  constructor(client: DapClient) {
    this.#client = client;
  }

  /** A step of the user. */
  act(text: string): void {
    this.#lines.push('', `> ${text}`);
  }

  say(text: string): void {
    this.#lines.push(...text.split('\n').map((line) => `  ${line}`.trimEnd()));
  }

  /** A stop with its stack, after what the guest has printed on the way. */
  async stop(stop: DebugProtocol.StoppedEvent['body']): Promise<void> {
    this.printed();
    const { reason, description, text } = stop;
    this.say(`stopped: ${reason}${description === undefined ? '' : ` (${description})`}`);
    if (text !== undefined && text !== description) this.say(text);
    for (const frame of await this.#client.stack()) this.say(`  ${describeFrame(frame)}`);
  }

  async do(command: string, args: Record<string, unknown> = {}): Promise<void> {
    this.act([command, ...Object.values(args)].join(' '));
    await this.stop(await this.#client.resume(command, args));
  }

  /** Variables as a tree row each: name, type and value. */
  variables(heading: string, variables: readonly DebugProtocol.Variable[]): void {
    this.say(`${heading}:`);
    for (const { name, type, value } of variables) {
      this.say(`  ${name}${type === undefined ? '' : `: ${type}`} = ${value}`);
    }
  }

  breakpoints(breakpoints: readonly DebugProtocol.Breakpoint[]): void {
    for (const { verified, line, message, source } of breakpoints) {
      const place =
        line === undefined ? '' : ` ${source?.name ?? path.basename(source?.path ?? '')}:${line}`;
      this.say(
        `${verified ? 'verified' : 'refused'}${place}${message === undefined ? '' : ` (${message})`}`,
      );
    }
  }

  /** What the guest and the debugger have printed since the last time. */
  printed(): void {
    const outputs = this.#client.events
      .filter((it) => it.event === 'output')
      .map((it) => it.body as DebugProtocol.OutputEvent['body']);
    // Where output is cut into events depends on the wall clock.
    const joined: { category: string; text: string }[] = [];
    for (const { category = 'console', output } of outputs.slice(this.#printed)) {
      const last = joined.at(-1);
      if (last?.category === category) last.text += output;
      else joined.push({ category, text: output });
    }
    for (const { category, text } of joined) {
      for (const line of text.replace(/\n$/, '').split('\n')) this.say(`${category} | ${line}`);
    }
    this.#printed = outputs.length;
  }

  compareWith(name: string): void {
    const text = `${this.#lines.join('\n').replaceAll(samplesFolder, 'samples').trim()}\n`;
    const file = path.join(folder, `${name}.txt`);
    if (process.env['UPDATE_GOLDEN'] === '1') {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, text);
      return;
    }
    assert.ok(existsSync(file), `${file} is missing; "npm run test:update" writes it`);
    assert.equal(text, readFileSync(file, 'utf8'));
  }
}

function describeFrame(frame: DebugProtocol.StackFrame): string {
  if (frame.presentationHint === 'label') return `[${frame.name}]`;
  const place =
    frame.source === undefined
      ? frame.instructionPointerReference
      : `${frame.source.name}:${frame.line}`;
  return `${frame.name} ${place}`;
}
