/** "Call SPE device attribute…": KVM_ARM_VCPU_SPE_CTRL as a VMM calls it, and which check failed. */
import * as vscode from 'vscode';
import type { DeviceAttributeArguments } from '../../debug-adapter/custom-requests.ts';
import { request } from '../protocol.ts';
import { requireStopped, showFailure, type GuestSessions } from '../sessions.ts';

/** KVM vcpu.rst as the SPE series has it: KVM_ARM_VCPU_SPE_CTRL. */
const SPE_CTRL = 3;

const CALLS = [
  { label: 'KVM_SET_DEVICE_ATTR', call: 'set' },
  { label: 'KVM_GET_DEVICE_ATTR', call: 'get' },
  { label: 'KVM_HAS_DEVICE_ATTR', call: 'has' },
] as const;

const ATTRIBUTES = [
  { label: 'IRQ', detail: 'The PPI of the buffer management interrupt, 16 to 31.', attribute: 0 },
  { label: 'INIT', detail: 'After IRQ, before the first run.', attribute: 1 },
  {
    label: 'STOP',
    detail: 'Stops profiling while the VM is stopped, for instance to save it.',
    attribute: 2,
  },
] as const;

export async function deviceAttribute(sessions: GuestSessions): Promise<void> {
  const stopped = await requireStopped(sessions, 'A VMM calls device attributes');
  if (stopped === undefined) return;
  const call = await vscode.window.showQuickPick(CALLS, { title: 'Call on the vCPU' });
  if (call === undefined) return;
  const attribute = await vscode.window.showQuickPick(ATTRIBUTES, {
    title: `${call.label}: attribute of KVM_ARM_VCPU_SPE_CTRL`,
  });
  if (attribute === undefined) return;
  let value: number | undefined;
  if (call.call === 'set' && attribute.label !== 'INIT') {
    const text = await vscode.window.showInputBox({
      title: `${attribute.label}: the int that addr points to`,
      prompt: 'Empty: addr cannot be accessed',
      validateInput: (given) =>
        /^(-?\d{1,9})?$/.test(given) ? undefined : 'A whole number, or nothing.',
    });
    if (text === undefined) return;
    value = text === '' ? undefined : Number(text);
  }
  const given: DeviceAttributeArguments = {
    call: call.call,
    group: SPE_CTRL,
    attribute: attribute.attribute,
    ...(value !== undefined && { value }),
  };
  try {
    const answer = await request(stopped.guest.session, 'trapline/deviceAttribute', given);
    const name = `${call.label}, ${attribute.label}`;
    if (answer.reason !== undefined) {
      void vscode.window.showWarningMessage(`${name}: ${answer.result}. ${answer.reason}`);
    } else {
      const read = answer.value === undefined ? '' : `, value ${answer.value}`;
      void vscode.window.showInformationMessage(`${name}: ${answer.result}${read}.`);
    }
  } catch (error) {
    showFailure(error);
  }
}
