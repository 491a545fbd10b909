/** The interface of KVM_SET_GUEST_DEBUG. KVM api.rst, "KVM_SET_GUEST_DEBUG". */
import type { DebugState } from './debug-state.ts';

export const KVM_GUESTDBG_ENABLE = 1 << 0;
export const KVM_GUESTDBG_SINGLESTEP = 1 << 1;
export const KVM_GUESTDBG_USE_SW_BP = 1 << 16;
export const KVM_GUESTDBG_USE_HW = 1 << 17;

export const KVM_GUESTDBG_VALID_MASK =
  KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW;

/** struct kvm_guest_debug. */
export interface KvmGuestDebug {
  readonly control: number;
  /** Copied only with KVM_GUESTDBG_USE_HW, and not checked. */
  readonly arch?: Readonly<DebugState>;
}

/** Errors of the ioctls, by their names in errno.h. */
export type Errno =
  'EAGAIN' | 'EBUSY' | 'EFAULT' | 'EINVAL' | 'ENODEV' | 'ENOENT' | 'ENOEXEC' | 'ENXIO' | 'EPERM';

/** The result of an ioctl: 0, or an errno by name and why in one sentence. */
export type IoctlResult =
  { readonly ok: true } | { readonly ok: false; readonly errno: Errno; readonly reason: string };

export const OK: IoctlResult = { ok: true };

export const EINVAL = (reason: string): IoctlResult => ({ ok: false, errno: 'EINVAL', reason });

const NAMES: readonly (readonly [number, string])[] = [
  [KVM_GUESTDBG_ENABLE, 'ENABLE'],
  [KVM_GUESTDBG_SINGLESTEP, 'SINGLESTEP'],
  [KVM_GUESTDBG_USE_SW_BP, 'USE_SW_BP'],
  [KVM_GUESTDBG_USE_HW, 'USE_HW'],
];

/** Such as `ENABLE | USE_HW`; `0` for none. */
export function describeControl(control: number): string {
  const names = NAMES.filter(([bit]) => (control & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? '0' : names.join(' | ');
}
