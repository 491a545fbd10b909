import type { DeviceAttributeArguments, DeviceAttributeResponse } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import { noHypervisor, unknownVcpu } from '../errors.ts';

/** Request `trapline/deviceAttribute`. What KVM refuses is an answer, with the check that failed. */
export function deviceAttribute(
  debuggee: Debuggee,
  { call, vcpu = 0, group, attribute: attr, value }: DeviceAttributeArguments,
): DeviceAttributeResponse {
  const { kvm, vcpus, currentVcpu } = debuggee.machine;
  if (kvm === undefined) throw noHypervisor();
  if (vcpu !== currentVcpu) throw unknownVcpu(vcpu, currentVcpu, vcpus.length);
  const given = { group, attr, value };
  if (call === 'get') {
    const result = kvm.getDeviceAttr(vcpu, given);
    return result.ok ? { result: '0', value: result.value } : refused(result);
  }
  const result = call === 'set' ? kvm.setDeviceAttr(vcpu, given) : kvm.hasDeviceAttr(vcpu, given);
  return result.ok ? { result: '0' } : refused(result);
}

function refused(error: {
  readonly errno: string;
  readonly reason: string;
}): DeviceAttributeResponse {
  return { result: error.errno, reason: error.reason };
}
