import { v8_0 } from '../sysregs/processor-model.ts';
import type { ProcessorProfile } from '../sysregs/processor-model.ts';
export function profileOf(_n: string): ProcessorProfile {
  return v8_0;
}
