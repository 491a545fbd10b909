import type { StateBody } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import type { Described } from '../machine.ts';

const described = ({ name, description }: Described): Described => ({ name, description });

/** Request and event `trapline/state`. */
export function state(debuggee: Debuggee, running: boolean): StateBody {
  const { kvm } = debuggee.machine;
  return {
    ...(kvm !== undefined && {
      policy: kvm.policy,
      owner: kvm.owner,
      fpPolicy: kvm.fpPolicy,
      traceScheme: kvm.traceScheme,
    }),
    policies: debuggee.factory.policies.map(({ name, description, guestDebug }) => ({
      name,
      description,
      guestDebug,
    })),
    fpPolicies: debuggee.factory.fpPolicies.map(described),
    traceSchemes: debuggee.factory.traceSchemes.map(described),
    hostActivities: debuggee.factory.hostActivities.map(described),
    hostProfile: debuggee.launch.hostProfile,
    hostProfiles: debuggee.factory.hostProfiles.map(
      ({ name, breakpoints, contextAware, watchpoints }) => ({
        name,
        description: `${breakpoints} breakpoints, ${contextAware} of them context-aware, and ${watchpoints} watchpoints`,
      }),
    ),
    ...(kvm !== undefined && {
      modelledCost: { source: kvm.costModel.source, parts: kvm.modelledCosts() },
    }),
    state: (kvm?.state() ?? []).map(({ name, value }) => ({ name, value })),
    counters: kvm?.counters() ?? [],
    nextSeq: kvm?.nextSeq ?? 0,
    running,
    program: debuggee.launch.program,
  };
}
