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
          const needed = definition.featureOf?.(fields) ?? [];
          const list = typeof needed === 'string' ? [needed] : needed;
          return list.every((feature) => features.has(feature))
            ? definition.variant(fields)
            : undefined;
        },
      },
    ];
  });
}
