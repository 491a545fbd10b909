import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { staleReference } from '../errors.ts';
import type { VariableContainer, VariableItem } from '../variables/container.ts';

/** DAP variables, in pages where the container is large. */
export function variables(
  debuggee: Debuggee,
  { variablesReference, filter, start, count }: DebugProtocol.VariablesArguments,
): DebugProtocol.VariablesResponse['body'] {
  const container = containerOf(debuggee, variablesReference);
  return {
    variables: container
      .children({ filter, start, count })
      .map((item) => describeItem(debuggee, item)),
  };
}

/** @throws UserError when the guest has run since the reference was handed out */
export function containerOf(debuggee: Debuggee, variablesReference: number): VariableContainer {
  const container = debuggee.containers.get(variablesReference);
  if (container === undefined) throw staleReference('Variable', variablesReference);
  return container;
}

export function describeItem(debuggee: Debuggee, item: VariableItem): DebugProtocol.Variable {
  return { name: item.name, ...describeValue(debuggee, item) };
}

/** What variables, evaluation results and changed values have in common. */
export function describeValue(
  debuggee: Debuggee,
  item: VariableItem,
): Omit<DebugProtocol.Variable, 'name'> {
  const { container, memoryReference, evaluateName, type, presentationHint } = item;
  return {
    value: item.value,
    variablesReference: container === undefined ? 0 : debuggee.containers.create(container),
    ...(type !== undefined && { type }),
    ...(container?.indexedCount !== undefined && { indexedVariables: container.indexedCount }),
    ...(container?.indexedCount !== undefined && { namedVariables: container.namedCount ?? 0 }),
    ...(memoryReference !== undefined && { memoryReference }),
    ...(evaluateName !== undefined && { evaluateName }),
    ...(presentationHint !== undefined && { presentationHint }),
  };
}
