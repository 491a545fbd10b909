/** "Migrate to host profile…": the stopped guest goes on on another processor, or the reason why it cannot. */
import * as vscode from 'vscode';
import { request } from '../protocol.ts';
import { requireStopped, showFailure, type GuestSessions } from '../sessions.ts';

export async function migrate(sessions: GuestSessions): Promise<void> {
  const stopped = await requireStopped(sessions, 'A guest is migrated');
  if (stopped === undefined) return;
  const { guest, state } = stopped;
  try {
    const picked = await vscode.window.showQuickPick(
      state.hostProfiles.map(({ name, description }) => ({
        label: name,
        description: name === state.hostProfile ? 'current' : '',
        detail: description,
      })),
      {
        title: 'Migrate to host profile',
        placeHolder: `The processor below the guest; now ${state.hostProfile}`,
        matchOnDetail: true,
      },
    );
    if (picked === undefined || picked.label === state.hostProfile) return;
    await request(guest.session, 'trapline/migrate', { hostProfile: picked.label });
    guest.touched();
    void vscode.window.showInformationMessage(
      `The guest runs on ${picked.label} now. It still sees the processor that it was started on.`,
    );
  } catch (error) {
    showFailure(error);
  }
}
