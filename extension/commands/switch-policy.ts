/** "Switch debug policy…": another way for guest and debugger to share the debug registers. */
import * as vscode from 'vscode';
import { request } from '../protocol.ts';
import { requireActive, showFailure, type GuestSessions } from '../sessions.ts';

export async function switchPolicy(sessions: GuestSessions): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  try {
    const state = await request(guest.session, 'trapline/state', undefined);
    if (state.policy === undefined) {
      void vscode.window.showInformationMessage(
        'This guest runs at EL2 and is its own hypervisor, so there is no debug policy. Launch it with "el": 1 to have one.',
      );
      return;
    }
    if (state.running) {
      await offerPause();
      return;
    }
    const picked = await vscode.window.showQuickPick(
      state.policies.map(({ name, description, guestDebug }) => ({
        label: name,
        description: [
          ...(name === state.policy ? ['current'] : []),
          ...(guestDebug ? [] : ['no "hw" and "sw" breakpoints']),
        ].join(', '),
        detail: description,
      })),
      {
        title: 'Debug policy',
        placeHolder: `How the debug registers are shared; now ${state.policy}`,
        matchOnDetail: true,
      },
    );
    if (picked === undefined || picked.label === state.policy) return;
    const changed = await request(guest.session, 'trapline/switchPolicy', { policy: picked.label });
    guest.receive(changed);
  } catch (error) {
    showFailure(error);
  }
}

async function offerPause(): Promise<void> {
  const pause = 'Pause';
  const choice = await vscode.window.showInformationMessage(
    'The debug policy can be switched while the guest is stopped. Pause it, then run the command again.',
    pause,
  );
  if (choice === pause) await vscode.commands.executeCommand('workbench.action.debug.pause');
}
