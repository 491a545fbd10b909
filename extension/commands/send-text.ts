/** "Send text to the guest's console…": what the guest receives on its UART. */
import * as vscode from 'vscode';
import { request } from '../protocol.ts';
import { requireActive, showFailure, type GuestSessions } from '../sessions.ts';

export async function sendText(sessions: GuestSessions): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  const text = await vscode.window.showInputBox({
    title: "Text for the guest's console",
    prompt: 'The guest receives it on its UART, followed by a carriage return, as from a terminal.',
  });
  if (text === undefined) return;
  try {
    await request(guest.session, 'trapline/consoleInput', { text: `${text}\r` });
  } catch (error) {
    showFailure(error);
  }
}
