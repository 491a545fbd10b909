/**
 * KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR and KVM_HAS_DEVICE_ATTR on a vCPU: the group
 * KVM_ARM_VCPU_SPE_CTRL, as two versions of its patches answer. The order of the checks is part of the
 * interface, since each has an error of its own.
 */
import { OK } from './guest-debug-control.ts';
import type { Errno, IoctlResult } from './guest-debug-control.ts';
import type { HostProfile } from './host-profile.ts';
import type { Vcpu } from './vcpu.ts';

export const KVM_ARM_VCPU_SPE_CTRL = 3;
export const KVM_ARM_VCPU_SPE_IRQ = 0;
export const KVM_ARM_VCPU_SPE_INIT = 1;
/** v4. */
export const KVM_ARM_VCPU_SPE_STOP = 2;

export const KVM_ARM_VCPU_SPE_STOP_TRAP = 1 << 0;
export const KVM_ARM_VCPU_SPE_STOP_EXIT = 1 << 1;
export const KVM_ARM_VCPU_SPE_RESUME = 1 << 2;

/**
 * `v3`: RFC v3 of November 2020. `v3-busy`: the same with "already set" asked before "valid", as its
 * documentation lists the errors. `v4`: RFC v4 and later.
 */
export type SpeInterface = 'v3' | 'v3-busy' | 'v4';
export const speInterfaces: readonly SpeInterface[] = ['v3', 'v3-busy', 'v4'];

/** In-kernel interrupt controller: not created, created, or initialised (KVM_DEV_ARM_VGIC_CTRL_INIT). */
export type Irqchip = 'none' | 'created' | 'initialised';

export interface DeviceAttribute {
  readonly group: number;
  readonly attr: number;
  /** The int that `addr` points to; undefined: `addr` is no address that can be read and written. */
  readonly value?: number | undefined;
}

export type DeviceAttributeResult =
  { readonly ok: true; readonly value: number } | Extract<IoctlResult, { ok: false }>;

/** What the calls look at. */
export interface DeviceAttributeContext {
  readonly version: SpeInterface;
  readonly irqchip: Irqchip;
  readonly vcpus: readonly Vcpu[];
  readonly vcpu: Vcpu;
}

const error = (errno: Errno, reason: string): Extract<IoctlResult, { ok: false }> => ({
  ok: false,
  errno,
  reason,
});

const isPpi = (irq: number): boolean => Number.isInteger(irq) && irq >= 16 && irq < 32;

/** The feature bit, and an interrupt controller in the kernel. */
function unsupported({ vcpu, irqchip }: DeviceAttributeContext): string | undefined {
  if (!vcpu.spe.feature) {
    return `vCPU ${vcpu.id} was initialised without KVM_ARM_VCPU_SPE.`;
  }
  if (irqchip === 'none') return 'There is no interrupt controller in the kernel.';
  return undefined;
}

const EFAULT = error('EFAULT', 'addr cannot be accessed.');

export function setDeviceAttribute(
  context: DeviceAttributeContext,
  attribute: DeviceAttribute,
): IoctlResult {
  const { group, attr } = attribute;
  if (group !== KVM_ARM_VCPU_SPE_CTRL) return error('ENXIO', `There is no group ${group}.`);
  switch (attr) {
    case KVM_ARM_VCPU_SPE_IRQ:
      return setIrq(context, attribute);
    case KVM_ARM_VCPU_SPE_INIT:
      return setInit(context);
    case KVM_ARM_VCPU_SPE_STOP:
      if (context.version === 'v4') return setStop(context, attribute);
      return noAttribute(attr);
    default:
      return noAttribute(attr);
  }
}

const noAttribute = (attr: number): Extract<IoctlResult, { ok: false }> =>
  error('ENXIO', `KVM_ARM_VCPU_SPE_CTRL has no attribute ${attr}.`);

function setIrq(context: DeviceAttributeContext, { value }: DeviceAttribute): IoctlResult {
  const { vcpu, version } = context;
  const { spe } = vcpu;
  const missing = unsupported(context);
  if (missing !== undefined) return error('ENXIO', missing);
  const busy =
    spe.irq_num === undefined
      ? undefined
      : error('EBUSY', `The interrupt is set already: ${spe.irq_num}.`);
  if (version === 'v4' && busy !== undefined) return busy;
  if (value === undefined) return EFAULT;
  if (version === 'v3-busy' && busy !== undefined) return busy;
  const invalid = invalidIrq(context, value);
  if (invalid !== undefined) return error('EINVAL', invalid);
  if (busy !== undefined) return busy;
  spe.irq_num = value;
  return OK;
}

/** One PPI for all vCPUs: whoever has one already has this one. */
function invalidIrq({ vcpus }: DeviceAttributeContext, irq: number): string | undefined {
  if (!isPpi(irq)) return `${irq} is no PPI: 16 to 31 are.`;
  const other = vcpus.find(({ spe }) => spe.irq_num !== undefined && spe.irq_num !== irq);
  return other === undefined
    ? undefined
    : `vCPU ${other.id} has interrupt ${other.spe.irq_num}, and all vCPUs have the same.`;
}

function setInit(context: DeviceAttributeContext): IoctlResult {
  const { vcpu, irqchip, version } = context;
  const { spe } = vcpu;
  const missing = unsupported(context);
  if (missing !== undefined) return error('ENXIO', missing);
  if (spe.irq_num === undefined) return error('ENXIO', 'The interrupt is not set.');
  if (irqchip !== 'initialised') {
    const errno = version === 'v4' ? 'ENXIO' : 'ENODEV';
    return error(errno, 'The interrupt controller is not initialised.');
  }
  if (spe.initialized) return error('EBUSY', `SPE of vCPU ${vcpu.id} is initialised already.`);
  spe.initialized = true;
  return OK;
}

const STOP_FLAGS: ReadonlyMap<number, 'TRAP' | 'EXIT' | 'RESUME'> = new Map([
  [KVM_ARM_VCPU_SPE_STOP_TRAP, 'TRAP'],
  [KVM_ARM_VCPU_SPE_STOP_EXIT, 'EXIT'],
  [KVM_ARM_VCPU_SPE_RESUME, 'RESUME'],
]);

function setStop({ vcpu }: DeviceAttributeContext, { value }: DeviceAttribute): IoctlResult {
  const { spe } = vcpu;
  if (!spe.initialized) return error('EAGAIN', `SPE of vCPU ${vcpu.id} is not initialised.`);
  if (value === undefined) return EFAULT;
  const flag = STOP_FLAGS.get(value);
  if (flag === undefined) return error('EINVAL', `${value} is not one of TRAP, EXIT and RESUME.`);
  spe.stop = flag === 'RESUME' ? undefined : flag;
  return OK;
}

export function getDeviceAttribute(
  context: DeviceAttributeContext,
  { group, attr, value }: DeviceAttribute,
): DeviceAttributeResult {
  if (group !== KVM_ARM_VCPU_SPE_CTRL) return error('ENXIO', `There is no group ${group}.`);
  if (attr !== KVM_ARM_VCPU_SPE_IRQ) return error('ENXIO', `Attribute ${attr} cannot be read.`);
  const missing = unsupported(context);
  if (missing !== undefined) return error('ENXIO', missing);
  const { irq_num } = context.vcpu.spe;
  if (irq_num === undefined) return error('ENXIO', 'The interrupt is not set.');
  return value === undefined ? EFAULT : { ok: true, value: irq_num };
}

export function hasDeviceAttribute(
  context: DeviceAttributeContext,
  { group, attr }: Omit<DeviceAttribute, 'value'>,
): IoctlResult {
  const known =
    attr === KVM_ARM_VCPU_SPE_IRQ ||
    attr === KVM_ARM_VCPU_SPE_INIT ||
    (attr === KVM_ARM_VCPU_SPE_STOP && context.version === 'v4');
  if (group !== KVM_ARM_VCPU_SPE_CTRL) return error('ENXIO', `There is no group ${group}.`);
  const missing = unsupported(context);
  if (missing !== undefined) return error('ENXIO', missing);
  return known ? OK : noAttribute(attr);
}

/** Features of KVM_ARM_VCPU_INIT that are looked at here. */
export interface VcpuFeatures {
  /** KVM_ARM_VCPU_SPE */
  readonly SPE?: boolean;
  /** KVM_ARM_VCPU_EL1_32BIT */
  readonly EL1_32BIT?: boolean;
}

/** KVM_ARM_VCPU_INIT, as far as the features decide. */
export function initVcpuFeatures(
  vcpu: Vcpu,
  profile: HostProfile,
  { SPE = false, EL1_32BIT = false }: VcpuFeatures,
): IoctlResult {
  if (SPE && !profile.processor.FEAT_SPE) {
    return error('EINVAL', `KVM_ARM_VCPU_SPE: ${profile.name} has no FEAT_SPE.`);
  }
  if (SPE && EL1_32BIT) {
    return error('EINVAL', 'KVM_ARM_VCPU_SPE and KVM_ARM_VCPU_EL1_32BIT exclude each other.');
  }
  if (EL1_32BIT && !profile.processor.FEAT_AA32EL1) {
    return error('EINVAL', `KVM_ARM_VCPU_EL1_32BIT: EL1 of ${profile.name} is AArch64 only.`);
  }
  vcpu.el1_32bit = EL1_32BIT;
  vcpu.spe.feature = SPE;
  if (!SPE) {
    vcpu.spe.irq_num = undefined;
    vcpu.spe.initialized = false;
  }
  return OK;
}

/** What KVM_RUN checks the first time. */
export function checkFirstRun(
  vcpu: Vcpu,
  vcpus: readonly Vcpu[],
  profile: HostProfile,
  version: SpeInterface,
): IoctlResult {
  const odd = vcpus.find(({ spe }) => spe.feature !== vcpu.spe.feature);
  if (odd !== undefined) {
    return error('EINVAL', `vCPU ${odd.id} and vCPU ${vcpu.id} differ in KVM_ARM_VCPU_SPE.`);
  }
  if (!vcpu.spe.feature) return OK;
  if (version === 'v4' && !profile.processor.FEAT_SPE) {
    return error('ENOEXEC', `The CPU has no FEAT_SPE (${profile.name}).`);
  }
  if (vcpu.spe.initialized) return OK;
  return error('EPERM', `SPE of vCPU ${vcpu.id} was not initialised (KVM_ARM_VCPU_SPE_INIT).`);
}
