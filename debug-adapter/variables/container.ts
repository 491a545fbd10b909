/** What a variablesReference stands for. Containers hand out items; the requests turn items into protocol variables. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { WatchedData } from '../breakpoints/data-id.ts';

export interface VariableItem {
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  readonly container?: VariableContainer;
  /** An address, in the one spelling that memory references have. */
  readonly memoryReference?: string;
  /** An expression that has this value in the same frame. */
  readonly evaluateName?: string;
  readonly presentationHint?: DebugProtocol.VariablePresentationHint;
}

export interface ChildRange {
  readonly filter?: 'indexed' | 'named' | undefined;
  readonly start?: number | undefined;
  readonly count?: number | undefined;
}

export interface VariableContainer {
  /** How many children have numbers for names; present where clients are to ask for them in pages. */
  readonly indexedCount?: number;
  readonly namedCount?: number;
  children(range: ChildRange): readonly VariableItem[];
  /** The child after the change. @throws UserError */
  set?(name: string, value: string): VariableItem;
  /** Where a child is in memory, or a sentence that says why it cannot be watched. */
  watchable?(name: string): (WatchedData & { readonly isLocal: boolean }) | string;
}

/** The items of a range, for containers that make all of theirs at once. */
export function page(
  items: readonly VariableItem[],
  { start = 0, count }: ChildRange,
): readonly VariableItem[] {
  return count === undefined || count === 0
    ? items.slice(start)
    : items.slice(start, start + count);
}

export const READ_ONLY: DebugProtocol.VariablePresentationHint = { attributes: ['readOnly'] };
