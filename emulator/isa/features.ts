/** Which of the definitions a processor implements. */
import type { Instruction } from './instruction.ts';

/** What is left of the definitions on a processor with these features, such as `FEAT_LSE`. */
export function implementedDefinitions(
  definitions: readonly Instruction[],
  features: ReadonlySet<string>,
): readonly Instruction[] {
  return definitions.flatMap((definition) => {
    const { feature } = definition;
    if (feature !== undefined && !features.has(feature)) return [];
    if (definition.featureOf === undefined) return [definition];
    return [
      {
        ...definition,
        variant: (fields) => {
          const needed = definition.featureOf?.(fields);
          return needed === undefined || features.has(needed)
            ? definition.variant(fields)
            : undefined;
        },
      },
    ];
  });
}
