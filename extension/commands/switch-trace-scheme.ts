/** "Switch trace scheme…": another way for the hypervisor to keep the host's profiling and tracing out of the guest. */
import * as vscode from 'vscode';
import { request } from '../protocol.ts';
import { requireStopped, showFailure, type GuestSessions } from '../sessions.ts';

export async function switchTraceScheme(sessions: GuestSessions): Promise<void> {
  const stopped = await requireStopped(sessions, 'The trace scheme is switched');
  if (stopped === undefined) return;
  const { guest, state } = stopped;
  const picked = await vscode.window.showQuickPick(
    state.traceSchemes.map(({ name, description }) => ({
      label: name,
      description: name === state.traceScheme ? 'current' : '',
      detail: description,
    })),
    {
      title: 'Trace scheme',
      placeHolder: "How the host's profiling and tracing is kept out of the guest",
      matchOnDetail: true,
    },
  );
  if (picked === undefined || picked.label === state.traceScheme) return;
  try {
    guest.receive(
      await request(guest.session, 'trapline/switchTraceScheme', { scheme: picked.label }),
    );
  } catch (error) {
    showFailure(error);
  }
}
