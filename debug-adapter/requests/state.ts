import type { StateBody } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';

/** Request and event `trapline/state`. */
export function state(debuggee: Debuggee, running: boolean): StateBody {
  const { kvm } = debuggee.machine;
  return {
    ...(kvm !== undefined && { policy: kvm.policy, owner: kvm.owner }),
    policies: debuggee.factory.policies.map(({ name, description, guestDebug }) => ({
      name,
      description,
      guestDebug,
    })),
    state: kvm?.state() ?? [],
    counters: kvm?.counters() ?? [],
    nextSeq: kvm?.nextSeq ?? 0,
    running,
    program: debuggee.launch.program,
  };
}
