/** Opens places of the guest: a source line where there is one, else the instructions around an address. */
import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { request } from './protocol.ts';
import { requireActive, showFailure, type GuestSessions } from './sessions.ts';

const scheme = 'trapline-instructions';
const instructionsAround = 40;

export interface Place {
  /** Virtual address, such as `0x40080010`. */
  readonly address: string;
  readonly path?: string | undefined;
  /** From 1. */
  readonly line?: number | undefined;
}

export class Places implements vscode.Disposable {
  readonly #sessions: GuestSessions;
  readonly #texts = new Map<string, string>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #registration: vscode.Disposable;

  constructor(sessions: GuestSessions) {
    this.#sessions = sessions;
    this.#registration = vscode.workspace.registerTextDocumentContentProvider(scheme, {
      onDidChange: this.#changed.event,
      provideTextDocumentContent: (uri) => this.#texts.get(uri.toString()) ?? '',
    });
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  /** The focus stays where it is, so that the arrow keys go on in a view. */
  async open(place: Place): Promise<void> {
    const { path, line } = place;
    if (path !== undefined && line !== undefined && (await isFile(path))) {
      await show(vscode.Uri.file(path), line);
    } else {
      await this.openInstructions(place.address);
    }
  }

  async openInstructions(address: string): Promise<void> {
    const guest = requireActive(this.#sessions);
    if (guest === undefined) return;
    try {
      const { instructions } = await request(guest.session, 'disassemble', {
        memoryReference: address,
        instructionOffset: -instructionsAround,
        instructionCount: 2 * instructionsAround + 1,
        resolveSymbols: true,
      });
      const lines = instructions.map(formatInstruction);
      const uri = vscode.Uri.from({ scheme, path: `/${address}.s`, query: guest.session.id });
      this.#texts.set(uri.toString(), `${lines.join('\n')}\n`);
      this.#changed.fire(uri);
      const at = instructions.findIndex((it) => BigInt(it.address) === BigInt(address));
      await show(uri, at + 1);
    } catch (error) {
      showFailure(error);
    }
  }
}

async function show(uri: vscode.Uri, line: number): Promise<void> {
  const position = new vscode.Position(Math.max(0, line - 1), 0);
  await vscode.window.showTextDocument(uri, {
    selection: new vscode.Range(position, position),
    preserveFocus: true,
    preview: true,
  });
}

function formatInstruction(it: DebugProtocol.DisassembledInstruction): string {
  const symbol = it.symbol === undefined ? '' : `  // ${it.symbol}`;
  return `${it.address}  ${(it.instructionBytes ?? '').padEnd(12)}  ${it.instruction}${symbol}`;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false; // Not on this computer.
  }
}
