/** "Start guest with ID register fields…": the guest is told of another processor than the one below it. */
import * as vscode from 'vscode';
import { pickConfiguration } from '../start.ts';

/** Arm ARM, ID_AA64DFR0_EL1: fields that KVM lets userspace write before the first run, or that Trapline adds to those. */
const FIELDS = [
  { label: 'BRPs', description: 'number of breakpoints, minus one' },
  { label: 'CTX_CMPs', description: 'number of context-aware breakpoints, minus one' },
  { label: 'WRPs', description: 'number of watchpoints, minus one' },
  { label: 'DebugVer', description: '6 is Armv8.0, 8 is Armv8.2, 9 is Armv8.4' },
  { label: 'PMUVer', description: '0 is no PMU' },
  { label: 'DoubleLock', description: '0 implemented, 15 not' },
] as const;

export async function startWithIdRegisters(): Promise<void> {
  const picked = await vscode.window.showQuickPick(FIELDS, {
    canPickMany: true,
    title: 'Fields of ID_AA64DFR0_EL1',
    placeHolder: 'What the guest is to be told of its processor',
  });
  if (picked === undefined || picked.length === 0) return;
  const values: Record<string, number> = {};
  for (const { label, description } of picked) {
    const given = await vscode.window.showInputBox({
      title: `ID_AA64DFR0_EL1.${label}`,
      prompt: `From 0 to 15: ${description}`,
      validateInput: (text) =>
        /^\d+$/.test(text) && Number(text) <= 15 ? undefined : 'A number from 0 to 15 is needed.',
    });
    if (given === undefined) return;
    values[label] = Number(given);
  }
  const chosen = await pickConfiguration();
  if (chosen === undefined) return;
  const { folder, configuration } = chosen;
  await vscode.debug.startDebugging(folder, {
    ...configuration,
    idRegisters: { ID_AA64DFR0_EL1: values },
  });
}
