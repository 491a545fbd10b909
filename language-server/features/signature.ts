/** Operands of the instruction or macro that is being written. */
import type { Position, SignatureHelp, SignatureInformation } from 'vscode-languageserver';
import { cursorAt } from '../cursor.ts';
import { formsOf, specExplanation, specText } from '../forms.ts';
import { matchForms } from '../matching.ts';
import { branchCondition, mnemonic } from '../mnemonics.ts';
import { parseOperands } from '../statement-checks.ts';
import type { IndexedFile, Workspace } from '../workspace.ts';

function signature(
  name: string,
  parameters: readonly { readonly text: string; readonly doc: string }[],
  doc: string,
): SignatureInformation {
  let label = name;
  const infos = parameters.map(({ text, doc: explanation }, index) => {
    label += index === 0 ? ' ' : ', ';
    const start = label.length;
    label += text;
    return {
      label: [start, label.length] as [number, number],
      ...(explanation !== '' && { documentation: explanation }),
    };
  });
  return { label, parameters: infos, ...(doc !== '' && { documentation: doc }) };
}

export function signatureHelp(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
): SignatureHelp | undefined {
  const cursor = cursorAt(file.document, position);
  const statement = cursor?.statement;
  const name = statement?.name;
  if (
    !cursor ||
    !name ||
    statement.kind !== 'instruction' ||
    cursor.inComment ||
    position.character <= name.end
  )
    return undefined;
  // The operand that a trailing comma opens counts.
  const typed = cursor.line.text.slice(name.end, position.character);
  let depth = 0;
  let active = 0;
  for (const mark of typed) {
    if (mark === '[' || mark === '(' || mark === '{') depth += 1;
    else if (mark === ']' || mark === ')' || mark === '}') depth -= 1;
    else if (mark === ',' && depth === 0) active += 1;
  }
  const unit = workspace.unit(file.document.uri);
  const found = workspace.macro(unit, name.text);
  if (found) {
    const parameters = found.macro.parameters.map((it) => ({
      text:
        it.defaultValue === undefined
          ? `${it.name}${it.vararg ? '...' : ''}`
          : `${it.name}=${it.defaultValue}`,
      doc: it.required ? 'required' : '',
    }));
    return {
      signatures: [signature(found.macro.name, parameters, 'macro')],
      activeSignature: 0,
      activeParameter: active,
    };
  }
  const known = mnemonic(name.text);
  if (!known) return undefined;
  const forms = branchCondition(name.text) === undefined ? formsOf(known.name) : undefined;
  if (!forms) {
    const signatures = known.forms.map((form) =>
      signature(
        known.name,
        form === '' ? [] : form.split(/, (?![^[{]*[\]}])/).map((text) => ({ text, doc: '' })),
        known.summary,
      ),
    );
    return signatures.length === 0
      ? undefined
      : { signatures, activeSignature: 0, activeParameter: active };
  }
  const scope = workspace.scope(file.document.uri, unit, cursor.row);
  const operands = parseOperands(cursor.line, statement, scope).filter(
    ({ kind, text }) => kind !== 'malformed' || text !== '',
  );
  const partial = forms.filter((form) => form.length > active || form.length === 0);
  const rated = (partial.length > 0 ? partial : forms).map((form) => ({
    form,
    score: matchForms([form.slice(0, operands.length)], operands, name.end)?.score ?? 0,
  }));
  rated.sort((a, b) => a.score - b.score);
  return {
    signatures: rated.map(({ form }) =>
      signature(
        known.name,
        form.map((spec) => ({ text: specText(spec), doc: specExplanation(spec) })),
        [known.summary, ...form.map(specExplanation)]
          .filter((it) => /\d/.test(it) || it === known.summary)
          .join('; '),
      ),
    ),
    activeSignature: 0,
    activeParameter: active,
  };
}
