/** "Draw debug slots": the slot map in the editor, drawn anew whenever the guest stops. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import * as vscode from 'vscode';
import type { DebugResourcesResponse } from '../../debug-adapter/custom-requests.ts';
import { request } from '../protocol.ts';
import { requireActive, showFailure, type GuestSession, type GuestSessions } from '../sessions.ts';
import { slotMapPage } from '../webviews/slot-map.ts';

export async function drawSlots(sessions: GuestSessions): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  try {
    const first = await resourcesOf(guest);
    const panel = vscode.window.createWebviewPanel(
      'trapline.slotMap',
      `Debug slots: ${path.basename(guest.program)}`,
      vscode.ViewColumn.Beside,
      { localResourceRoots: [] },
    );
    const draw = (resources: DebugResourcesResponse): void => {
      panel.webview.html = slotMapPage(resources, {
        program: path.basename(guest.program),
        policy: guest.state?.policy ?? 'no policy: the guest is its own hypervisor',
        cspSource: panel.webview.cspSource,
        nonce: randomBytes(16).toString('base64'),
      });
    };
    draw(first);
    const subscription = sessions.onDidChange((changed) => {
      if (changed !== guest || guest.ended || guest.isRunning) return;
      // The session may end meanwhile: its last drawing stays.
      resourcesOf(guest).then(draw, () => undefined);
    });
    panel.onDidDispose(() => {
      subscription.dispose();
    });
  } catch (error) {
    showFailure(error);
  }
}

function resourcesOf(guest: GuestSession): Promise<DebugResourcesResponse> {
  return request(guest.session, 'trapline/debugResources', undefined);
}
