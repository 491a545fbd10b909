/** "Host activity…": the host below the guest does something of its own now. A schedule is a launch attribute. */
import * as vscode from 'vscode';
import { request } from '../protocol.ts';
import { requireStopped, showFailure, type GuestSessions } from '../sessions.ts';

export async function hostActivity(sessions: GuestSessions): Promise<void> {
  const stopped = await requireStopped(sessions, 'The host does something of its own');
  if (stopped === undefined) return;
  const { guest, state } = stopped;
  const picked = await vscode.window.showQuickPick(
    state.hostActivities.map(({ name, description }) => ({ label: name, detail: description })),
    {
      title: 'Host activity',
      placeHolder:
        'What the host does before the guest goes on; "hostActivity" in launch.json does it on a schedule',
      matchOnDetail: true,
    },
  );
  if (picked === undefined) return;
  try {
    guest.receive(
      await request(guest.session, 'trapline/hostActivity', { activity: picked.label }),
    );
  } catch (error) {
    showFailure(error);
  }
}
