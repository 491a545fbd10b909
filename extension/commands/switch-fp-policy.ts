/** "Switch FP policy…": another way for the hypervisor to switch the V registers. */
import * as vscode from 'vscode';
import { request } from '../protocol.ts';
import { requireStopped, showFailure, type GuestSessions } from '../sessions.ts';

export async function switchFpPolicy(sessions: GuestSessions): Promise<void> {
  const stopped = await requireStopped(sessions, 'The FP policy is switched');
  if (stopped === undefined) return;
  const { guest, state } = stopped;
  const picked = await vscode.window.showQuickPick(
    state.fpPolicies.map(({ name, description }) => ({
      label: name,
      description: name === state.fpPolicy ? 'current' : '',
      detail: description,
    })),
    { title: 'FP policy', placeHolder: 'How V registers are switched', matchOnDetail: true },
  );
  if (picked === undefined || picked.label === state.fpPolicy) return;
  try {
    guest.receive(
      await request(guest.session, 'trapline/switchFpPolicy', { policy: picked.label }),
    );
  } catch (error) {
    showFailure(error);
  }
}
