/** "Draw debug slots": the slot map in the editor, drawn anew whenever the guest stops. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import * as vscode from 'vscode';
import { request } from '../protocol.ts';
import { requireActive, showFailure, type GuestSession, type GuestSessions } from '../sessions.ts';
import { slotMapPage } from '../webviews/slot-map.ts';

export async function drawSlots(sessions: GuestSessions): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  try {
    const first = await pageOf(guest, '');
    const panel = vscode.window.createWebviewPanel(
      'trapline.slotMap',
      `Debug slots: ${path.basename(guest.program)}`,
      vscode.ViewColumn.Beside,
      { localResourceRoots: [] },
    );
    panel.webview.html = first;
    const { cspSource } = panel.webview;
    const subscription = sessions.onDidChange((changed) => {
      if (changed !== guest || guest.ended || guest.isRunning) return;
      pageOf(guest, cspSource).then(
        (page) => {
          panel.webview.html = page;
        },
        () => undefined, // The session has ended meanwhile: its last drawing stays.
      );
    });
    panel.onDidDispose(() => {
      subscription.dispose();
    });
  } catch (error) {
    showFailure(error);
  }
}

async function pageOf(guest: GuestSession, cspSource: string): Promise<string> {
  const resources = await request(guest.session, 'trapline/debugResources', undefined);
  return slotMapPage(resources, {
    program: path.basename(guest.program),
    policy: guest.state?.policy ?? 'no policy: the guest is its own hypervisor',
    cspSource,
    nonce: randomBytes(16).toString('base64'),
  });
}
