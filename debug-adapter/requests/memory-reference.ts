import { invalidMemoryReference } from '../errors.ts';

/** The address that a memoryReference and an offset in bytes name. @throws UserError */
export function addressOfReference(memoryReference: string, offset = 0): bigint {
  if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(memoryReference.trim())) {
    throw invalidMemoryReference(memoryReference);
  }
  return BigInt.asUintN(64, BigInt(memoryReference.trim()) + BigInt(offset));
}
