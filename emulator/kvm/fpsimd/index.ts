/** The FPSIMD policies, in the order of their history. */
import { FP_EAGER } from './fp-eager.ts';
import { FP_KEEP } from './fp-keep.ts';
import { FP_OWNER } from './fp-owner.ts';
import { FP_OWNER_EAGER_HOST } from './fp-owner-eager-host.ts';
import { FP_TRAP } from './fp-trap.ts';
import type { FpPolicy } from './policy.ts';

export const fpPolicies: readonly FpPolicy[] = [
  FP_EAGER,
  FP_TRAP,
  FP_KEEP,
  FP_OWNER,
  FP_OWNER_EAGER_HOST,
];

export const defaultFpPolicy = FP_OWNER_EAGER_HOST;

/** @throws RangeError for a policy that does not exist */
export function requireFpPolicy(name: string): FpPolicy {
  const policy = fpPolicies.find((candidate) => candidate.name === name);
  if (policy !== undefined) return policy;
  const known = fpPolicies.map((candidate) => candidate.name).join(', ');
  throw new RangeError(`There is no FP policy '${name}'; there are ${known}.`);
}
