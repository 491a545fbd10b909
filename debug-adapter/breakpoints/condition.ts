/** What decides whether a hit stops the guest: condition, hit count and log message, compiled once. */
import { invalidExpression } from '../errors.ts';
import { HIT_CONDITION_FORMS, parseHitCondition, type HitCondition } from './hit-condition.ts';
import { parseLogMessage } from './log-message.ts';

/** What the user has written. */
export interface ConditionTexts {
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
}

/** Compiles expressions for one place in the guest. @throws UserError */
export interface ConditionCompiler {
  /** The result tells whether the expression is non-zero now; it throws an Error where it has no value. */
  condition(expression: string): () => boolean;
  /** The result is the value as text. */
  text(expression: string): () => string;
}

export class BreakpointCondition {
  readonly #condition: (() => boolean) | undefined;
  readonly #hitCondition: HitCondition | undefined;
  readonly #log: (() => string) | undefined;
  readonly #print: (text: string) => void;
  /** As the user has written them. */
  readonly texts: ConditionTexts;
  /** How often the condition held. */
  hits = 0;
  /** Why the condition could not be evaluated at the last hit. */
  failure: string | undefined;

  /** @throws UserError that says what is wrong with the texts */
  constructor(texts: ConditionTexts, compiler: ConditionCompiler, print: (text: string) => void) {
    const { condition, hitCondition, logMessage } = texts;
    this.texts = { condition, hitCondition, logMessage };
    this.#condition = isGiven(condition) ? compiler.condition(condition) : undefined;
    if (isGiven(hitCondition)) {
      this.#hitCondition = parseHitCondition(hitCondition);
      if (this.#hitCondition === undefined) {
        throw invalidExpression(
          hitCondition,
          `"${hitCondition}" is no hit count; write ${HIT_CONDITION_FORMS}`,
        );
      }
    }
    this.#log = isGiven(logMessage) ? compileLog(logMessage, compiler) : undefined;
    this.#print = print;
  }

  /** At a hit, inside the machine's loop. @returns whether to stop */
  hit(): boolean {
    this.failure = undefined;
    if (this.#condition !== undefined) {
      try {
        if (!this.#condition()) return false;
      } catch (error) {
        // A condition without a value is for the user to see, so the guest stops.
        this.failure = error instanceof Error ? error.message : String(error);
        return true;
      }
    }
    this.hits += 1;
    if (this.#hitCondition?.(this.hits) === false) return false;
    if (this.#log === undefined) return true;
    this.#print(this.#log());
    return false;
  }
}

function compileLog(message: string, compiler: ConditionCompiler): () => string {
  const parts = parseLogMessage(message);
  if (parts === undefined) {
    throw invalidExpression(
      message,
      `The log message "${message}" has a brace without a partner; write {{ or }} for a brace itself`,
    );
  }
  const pieces = parts.map((part): (() => string) => {
    if (part.kind === 'text') return () => part.text;
    const evaluate = compiler.text(part.expression);
    return () => {
      try {
        return evaluate();
      } catch (error) {
        return `<${error instanceof Error ? error.message : String(error)}>`;
      }
    };
  });
  return () => pieces.map((piece) => piece()).join('');
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '';
}
