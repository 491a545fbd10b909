/** "Compare debug policies": the same guest under every policy, as a page in the editor. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import * as vscode from 'vscode';
import type { ComparePoliciesResponse } from '../../debug-adapter/custom-requests.ts';
import { request } from '../protocol.ts';
import { requireActive, showFailure, type GuestSessions } from '../sessions.ts';
import {
  comparisonJson,
  comparisonPage,
  comparisonSvg,
  PRINT_COLOURS,
} from '../webviews/policy-comparison.ts';

export async function comparePolicies(sessions: GuestSessions): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  if (guest.isRunning) {
    void vscode.window.showInformationMessage(
      'Policies are compared up to where the guest stands. Pause it, then run the command again.',
    );
    return;
  }
  try {
    const response = await request(guest.session, 'trapline/comparePolicies', {});
    show(path.basename(guest.program), guest.state?.policy ?? '', response);
  } catch (error) {
    showFailure(error);
  }
}

function show(program: string, current: string, response: ComparePoliciesResponse): void {
  const panel = vscode.window.createWebviewPanel(
    'trapline.policyComparison',
    `Policies: ${program}`,
    vscode.ViewColumn.Active,
    { enableScripts: true, localResourceRoots: [] },
  );
  panel.webview.html = comparisonPage(response, {
    program,
    current,
    cspSource: panel.webview.cspSource,
    nonce: randomBytes(16).toString('base64'),
  });
  panel.webview.onDidReceiveMessage((message: { readonly export?: unknown }) => {
    if (message.export === 'json') void save(program, 'json', comparisonJson(program, response));
    if (message.export === 'svg') void save(program, 'svg', comparisonSvg(response, PRINT_COLOURS));
  });
}

async function save(program: string, extension: 'json' | 'svg', content: string): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const name = `${path.parse(program).name}-policies.${extension}`;
  const target = await vscode.window.showSaveDialog({
    filters: extension === 'json' ? { JSON: ['json'] } : { SVG: ['svg'] },
    ...(folder !== undefined && { defaultUri: vscode.Uri.joinPath(folder, name) }),
  });
  if (target === undefined) return;
  try {
    await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(content));
  } catch (error) {
    showFailure(error);
  }
}
