/** Names the debug policy and the owner of the debug registers; a click changes the policy. */
import * as vscode from 'vscode';
import type { StateBody } from '../debug-adapter/custom-requests.ts';
import type { GuestSessions } from './sessions.ts';

export class StatusBar implements vscode.Disposable {
  readonly #item: vscode.StatusBarItem;
  readonly #subscription: vscode.Disposable;

  constructor(sessions: GuestSessions) {
    this.#item = vscode.window.createStatusBarItem(
      'trapline.policy',
      vscode.StatusBarAlignment.Left,
    );
    this.#item.name = 'Trapline Debug Policy';
    this.#subscription = sessions.onDidChange(() => {
      this.#show(sessions.active?.state);
    });
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#item.dispose();
  }

  #show(state: StateBody | undefined): void {
    if (state === undefined) {
      this.#item.hide();
      return;
    }
    const { policy, owner } = state;
    if (policy === undefined) {
      this.#item.text = '$(chip) Guest at EL2';
      this.#item.tooltip =
        'The guest is its own hypervisor and owns the debug registers, so there is no debug policy.';
      this.#item.command = undefined;
    } else {
      this.#item.text = `$(chip) ${policy}${owner === undefined ? '' : ` · ${owner}`}`;
      this.#item.tooltip = tooltip(state);
      this.#item.command = 'trapline.switchPolicy';
    }
    this.#item.show();
  }
}

function tooltip({ policy, owner, policies, state, counters }: StateBody): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  const description = policies.find(({ name }) => name === policy)?.description ?? '';
  text.appendMarkdown(`**Debug policy ${policy ?? ''}**\n\n`).appendText(description);
  text.appendMarkdown('\n\n| | |\n|-|-|\n');
  if (owner !== undefined) text.appendMarkdown(`| owner | ${owner} |\n`);
  for (const { name, value } of [...state, ...counters]) {
    text.appendMarkdown(
      `| ${name} | ${typeof value === 'number' ? value.toLocaleString('en-US') : value} |\n`,
    );
  }
  return text.appendMarkdown('\nClick to switch the policy.');
}
