import type { ValueType } from '../isa/expression.ts';
import type { FunctionBuilder } from './wasm.ts';

/** A function of the runtime with its body: what `call()` in semantics and in other bodies reaches. */
export interface RuntimeFunctionDefinition {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType;
  build(f: FunctionBuilder): void;
}
