/**
 * Generates the interpreter: one WebAssembly function with a dispatch loop over predecoded
 * records, made from the instruction definitions when the engine starts.
 *
 * Every variant of every definition becomes a handler. Running its semantics against the emitter
 * here both generates the handler's code and records which operands it uses and how; the
 * predecoder writes the records by that list, so there is no second table to keep in step.
 */
import { extractFields } from '../isa/encoding.ts';
import type { EncodingField } from '../isa/encoding.ts';
import type { Instruction, Operand, Variant } from '../isa/instruction.ts';
import { buildCoreFunctions, declareCoreFunctions, IMPORTS } from './core-functions.ts';
import { DispatchLoop, HANDLER_SIGNATURE, RUN_SIGNATURE } from './dispatch-loop.ts';
import { exitCode } from './exit.ts';
import { InterpreterEmitter } from './interpreter-emitter.ts';
import type { OperandUse } from './interpreter-emitter.ts';
import * as L from './layout.ts';
import { ModuleBuilder } from './wasm.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';

type FieldValues = Readonly<Record<string, number>>;

export interface Handler {
  readonly definition: Instruction;
  readonly index: number;
  readonly uses: readonly OperandUse[];
}

export interface InterpreterModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly handlerCount: number;
  /** The handler of a decoded instruction. */
  handler(definition: Instruction, variant: Variant): Handler;
}

/** A definition that needs more calls to find its variants is mistaken. */
const MOST_CALLS = 2 ** 18;

/**
 * Values of a field to try. Of register numbers and wide immediates those that shapes are known to
 * hang on; a test decodes random words, so that a shape which hangs on another value shows.
 */
function valuesToTry({ name, width }: EncodingField): readonly number[] {
  const most = 2 ** width - 1;
  if (width >= 5 && name.startsWith('R')) return [0, 1, most - 1, most];
  if (width >= 5 && name.startsWith('imm')) {
    return [...IMMEDIATES_TO_TRY.filter((value) => value < most), most];
  }
  return Array.from({ length: most + 1 }, (_, value) => value);
}

const IMMEDIATES_TO_TRY = [
  0, 1, 2, 3, 4, 7, 8, 12, 15, 16, 20, 24, 29, 30, 31, 32, 33, 47, 48, 62, 63,
];

export function variantKey(variant: Variant): string {
  let key = '';
  for (const value of Object.values(variant)) key += `${Number(value)},`;
  return key;
}

/**
 * Every distinct variant of a definition with fields that lead to it. Only fields that `variant`
 * reads are varied: each call takes one path through it, and the next call differs from it in the
 * field that was read last and still has values to try.
 */
export function enumerateVariants(
  definition: Instruction,
): { variant: Variant; fields: FieldValues }[] {
  const found = new Map<string, { variant: Variant; fields: FieldValues }>();
  const tries = new Map(definition.encoding.fields.map((it) => [it.name, valuesToTry(it)]));
  const fields: Record<string, number> = { ...extractFields(definition.encoding, 0) };
  /** Fields in the order in which they were read. */
  const path: { readonly name: string; readonly values: readonly number[]; next: number }[] = [];
  const onPath = new Set<string>();
  const watched = new Proxy(fields, {
    get(target, name: string) {
      if (!onPath.has(name)) {
        onPath.add(name);
        path.push({ name, values: tries.get(name) ?? [], next: 1 });
      }
      return target[name];
    },
  });
  for (let calls = 0; ; calls += 1) {
    if (calls > MOST_CALLS) {
      const names = [...onPath].join(', ');
      throw new TypeError(`${definition.title}: variants depend on too many fields (${names})`);
    }
    const variant = definition.variant(watched);
    if (variant !== undefined) {
      const key = variantKey(variant);
      if (!found.has(key)) found.set(key, { variant, fields: { ...fields } });
    }
    for (;;) {
      const last = path.at(-1);
      if (last === undefined) return [...found.values()];
      const value = last.values[last.next];
      last.next += 1;
      fields[last.name] = value ?? 0;
      if (value !== undefined) break;
      onPath.delete(last.name);
      path.pop();
    }
  }
}

/** One handler to generate: a variant of a definition, and fields that lead to it. */
interface PlannedHandler {
  readonly definition: Instruction;
  readonly variant: Variant;
  readonly fields: FieldValues;
}

/** `guardedPages`: with the checks of FEAT_BTI. */
export function generateInterpreter(
  definitions: readonly Instruction[],
  runtimeFunctions: readonly RuntimeFunctionDefinition[],
  guardedPages = false,
): InterpreterModule {
  const module = new ModuleBuilder();
  for (const [name, signature] of Object.entries(IMPORTS)) module.importFunction(name, signature);
  declareCoreFunctions(module);
  for (const { name, parameters, result } of runtimeFunctions) {
    module.declareFunction(name, { parameters, results: [result] });
  }
  const planned = definitions.flatMap((definition): PlannedHandler[] =>
    enumerateVariants(definition).map((sample) => ({ definition, ...sample })),
  );
  const inline = planned.filter(({ definition }) => definition.outOfLine !== true);
  const outOfLine = planned.filter(({ definition }) => definition.outOfLine === true);
  const tableNames = outOfLine.map((_, ordinal) => `handler${ordinal}`);
  for (const name of tableNames) module.declareFunction(name, HANDLER_SIGNATURE);
  module.defineTable(tableNames);
  module.declareFunction('run', RUN_SIGNATURE);

  buildCoreFunctions(module, guardedPages);
  for (const runtime of runtimeFunctions) runtime.build(module.defineFunction(runtime.name));

  const handlers = new HandlerIndex();
  outOfLine.forEach((plan, ordinal) => {
    const f = module.defineFunction(`handler${ordinal}`);
    const { uses } = emitSemantics(InterpreterEmitter.outOfLine(f), plan);
    f.return(exitCode.constant('NONE'));
    handlers.add(plan, L.FIRST_INSTRUCTION_HANDLER + inline.length + ordinal, uses);
  });
  const f = module.defineFunction('run');
  const loop = new DispatchLoop(f, guardedPages);
  const emitter = InterpreterEmitter.inLoop(f, loop);
  loop.build(
    inline.map((plan, ordinal) => () => {
      const { uses, branched } = emitSemantics(emitter, plan);
      handlers.add(plan, L.FIRST_INSTRUCTION_HANDLER + ordinal, uses);
      return { branched };
    }),
  );

  return {
    bytes: module.build(['run', 'packFlags', 'Auth']),
    handlerCount: L.FIRST_INSTRUCTION_HANDLER + planned.length,
    handler: (definition, variant) => handlers.find(definition, variant),
  };
}

function emitSemantics(
  emitter: InterpreterEmitter,
  { definition, variant, fields }: PlannedHandler,
): ReturnType<InterpreterEmitter['finish']> {
  const operands: Record<string, Operand> = {};
  for (const [name, value] of Object.entries(definition.operands(fields))) {
    operands[name] = emitter.operandToken(name, typeof value === 'bigint');
  }
  emitter.begin(definition);
  try {
    definition.semantics(emitter, variant, operands);
  } catch (cause) {
    throw new TypeError(`${definition.title} ${JSON.stringify(variant)}: semantics failed`, {
      cause,
    });
  }
  return emitter.finish();
}

class HandlerIndex {
  readonly #handlers = new Map<Instruction, Map<string, Handler>>();

  add({ definition, variant }: PlannedHandler, index: number, uses: readonly OperandUse[]): void {
    let byVariant = this.#handlers.get(definition);
    if (!byVariant) this.#handlers.set(definition, (byVariant = new Map<string, Handler>()));
    byVariant.set(variantKey(variant), { definition, index, uses });
  }

  find(definition: Instruction, variant: Variant): Handler {
    const handler = this.#handlers.get(definition)?.get(variantKey(variant));
    if (!handler) {
      throw new TypeError(`${definition.title}: no handler for variant ${JSON.stringify(variant)}`);
    }
    return handler;
  }
}
