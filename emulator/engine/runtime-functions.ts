/** Every function of `isa/runtime-functions.ts` with its body, and their helpers. */
import { pointerAuthenticationFunctions } from './pointer-authentication.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';
import { softFloatFunctions } from './soft-float.ts';

export const runtimeFunctions: readonly RuntimeFunctionDefinition[] = [
  ...softFloatFunctions,
  ...pointerAuthenticationFunctions,
];
