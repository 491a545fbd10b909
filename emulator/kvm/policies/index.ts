/** The debug policies, in the order of their history. */
import { DEBUG_PTR } from './debug-ptr.ts';
import { EAGER } from './eager.ts';
import { IFLAGS } from './iflags.ts';
import { LAZY_DIRTY } from './lazy-dirty.ts';
import { LAZY_MDSCR } from './lazy-mdscr.ts';
import { OWNER } from './owner.ts';
import { REMAP_SHARED } from './remap-shared.ts';
import { REMAP_STATIC } from './remap-static.ts';
import { REMAP_TOP } from './remap-top.ts';
import type { DebugPolicy } from './policy.ts';

export const policies: readonly DebugPolicy[] = [
  EAGER,
  LAZY_DIRTY,
  LAZY_MDSCR,
  DEBUG_PTR,
  IFLAGS,
  OWNER,
  REMAP_STATIC,
  REMAP_TOP,
  REMAP_SHARED,
];

export const defaultPolicy = REMAP_SHARED;

export function policyByName(name: string): DebugPolicy | undefined {
  return policies.find((policy) => policy.name === name);
}

/** Why there is no policy of this name, in one sentence. */
export function missingPolicyReason(name: string): string {
  const known = policies.map((policy) => policy.name).join(', ');
  return `There is no policy '${name}'; there are ${known}.`;
}
