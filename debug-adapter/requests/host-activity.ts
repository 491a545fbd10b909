import type {
  HostActivityArguments,
  SwitchFpPolicyArguments,
  SwitchTraceSchemeArguments,
} from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import {
  noHypervisor,
  unknownFpPolicy,
  unknownHostActivity,
  unknownTraceScheme,
} from '../errors.ts';

/** Request `trapline/hostActivity`. The guest stays where it is. */
export function hostActivity(debuggee: Debuggee, { activity }: HostActivityArguments): void {
  const { kvm } = debuggee.machine;
  if (kvm === undefined) throw noHypervisor();
  const { hostActivities } = debuggee.factory;
  const found = hostActivities.find(({ name }) => name === activity);
  if (found === undefined) {
    throw unknownHostActivity(
      activity,
      hostActivities.map(({ name }) => name),
    );
  }
  kvm.performHostActivity(found.name);
}

/** Request `trapline/switchFpPolicy`. */
export function switchFpPolicy(debuggee: Debuggee, { policy }: SwitchFpPolicyArguments): void {
  const { kvm } = debuggee.machine;
  if (kvm === undefined) throw noHypervisor();
  const names = debuggee.factory.fpPolicies.map(({ name }) => name);
  if (!names.includes(policy)) throw unknownFpPolicy(policy, names);
  kvm.setFpPolicy(policy);
}

/** Request `trapline/switchTraceScheme`. */
export function switchTraceScheme(
  debuggee: Debuggee,
  { scheme }: SwitchTraceSchemeArguments,
): void {
  const { kvm } = debuggee.machine;
  if (kvm === undefined) throw noHypervisor();
  const names = debuggee.factory.traceSchemes.map(({ name }) => name);
  if (!names.includes(scheme)) throw unknownTraceScheme(scheme, names);
  kvm.setTraceScheme(scheme);
}
