/** Functions that generated code calls by name: too large to repeat in every handler. */
import { i32, or, stateLoad } from '../isa/expression.ts';
import type { Expr, ValueType } from '../isa/expression.ts';
import { FPCR_SLOT, FPSR_SLOT, SYSTEM_REGISTERS } from './layout.ts';
import { FunctionBuilder } from './wasm.ts';

/** A function of the runtime with its body: what `call()` in semantics and in other bodies reaches. */
export interface RuntimeFunctionDefinition {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType;
  build(f: RuntimeFunctionBuilder): void;
}

/** A function builder with the floating-point status that runtime functions read and accumulate. */
export class RuntimeFunctionBuilder extends FunctionBuilder {
  FPCR(): Expr<'i32'> {
    return stateLoad('i32', 'i32.load', i32(0), SYSTEM_REGISTERS + 8 * FPCR_SLOT);
  }
  FPSR(): Expr<'i32'> {
    return stateLoad('i32', 'i32.load', i32(0), SYSTEM_REGISTERS + 8 * FPSR_SLOT);
  }
  /** ORs cumulative exception bits into FPSR. */
  accumulateFPSR(bits: Expr<'i32'>): void {
    this.storeTo('i32.store', i32(0), SYSTEM_REGISTERS + 8 * FPSR_SLOT, or(this.FPSR(), bits));
  }
}
