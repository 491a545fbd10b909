import type { DebugProtocol } from '@vscode/debugprotocol';
import type { SwitchPolicyArguments } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import { noHypervisor, policyRefused, unknownPolicy } from '../errors.ts';

/**
 * Request `trapline/switchPolicy`. Breakpoints are armed anew, since another policy may have other slots or none.
 * @returns the breakpoints as they are now
 */
export function switchPolicy(
  debuggee: Debuggee,
  { policy }: SwitchPolicyArguments,
): DebugProtocol.Breakpoint[] {
  const { kvm } = debuggee.machine;
  if (kvm === undefined) throw noHypervisor();
  const names = debuggee.factory.policies.map(({ name }) => name);
  if (!names.includes(policy)) throw unknownPolicy(policy, names);
  const refused = kvm.setPolicy(policy);
  if (refused !== undefined) throw policyRefused(policy, refused);
  return debuggee.breakpoints.armAgain();
}
