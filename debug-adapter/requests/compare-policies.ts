import type { ComparePoliciesArguments, ComparePoliciesResponse } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import { noHypervisor, runCannotRepeat } from '../errors.ts';
import type { Host } from '../host.ts';
import type { PolicyComparison } from '../machine.ts';

/** What the request needs of its session while it runs. */
export interface LongRequest {
  readonly host: Host;
  /** `fraction` from 0 to 1. */
  report(fraction: number, message: string): void;
  /** @throws UserError when the client has cancelled the request or has gone */
  checkCancelled(): void;
}

/** Milliseconds between two looks at the client's messages, and the instructions of one call. */
const SLICE = 5;
const CALL = 20_000;

/** Request `trapline/comparePolicies`. The guest of the session may be stopped or have ended; it stays as it is. */
export async function comparePolicies(
  { machine, factory }: Debuggee,
  { instructions }: ComparePoliciesArguments,
  request: LongRequest,
): Promise<ComparePoliciesResponse> {
  if (machine.kvm === undefined) throw noHypervisor();
  const run = machine.recordedRun;
  // The runs would write to the user's files again, and read what the first has left there.
  const { folder, virtio } = run.options;
  if (folder !== undefined) throw runCannotRepeat('semihosting.root');
  const written = virtio?.disks?.findIndex(({ writes }) => writes === 'writeThrough') ?? -1;
  if (written >= 0) throw runCannotRepeat(`disks[${written}].writable`);
  const limit = instructions === undefined ? run.instructions : BigInt(instructions);
  const comparison = factory.comparePolicies({ ...run, instructions: limit });
  while (runSlice(comparison, request.host)) {
    request.report(comparison.progress, comparison.current ?? '');
    await turn(request.host);
    request.checkCancelled();
  }
  const { results } = comparison;
  const executed = results.reduce(
    (most, it) => (it.instructions > most ? it.instructions : most),
    0n,
  );
  return {
    instructions: Number(executed),
    endedByLimit: results.every(({ ended }) => !ended),
    policies: results.map(({ policy, description, refusal, figures }) => ({
      policy,
      description,
      ...(refusal !== undefined && { refusal }),
      ...(figures !== undefined && { figures }),
    })),
  };
}

function runSlice(comparison: PolicyComparison, host: Host): boolean {
  const end = host.now() + SLICE;
  let more = true;
  while (more && host.now() < end) more = comparison.advance(CALL);
  return more;
}

/** Messages that have come are handled first. */
const turn = (host: Host): Promise<void> =>
  new Promise((resolve) => {
    host.defer(resolve);
  });
