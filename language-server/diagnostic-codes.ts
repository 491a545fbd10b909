/** Every diagnostic, by code; docs/diagnostics has one page for each. */

export const diagnosticCodes = {
  'mnemonic-unknown': 'Unknown mnemonic or macro',
  'directive-unknown': 'Unknown directive',
  'register-unknown': 'Unknown register',
  'sysreg-unknown': 'Unknown system register',
  'sysreg-readonly': 'Write to a read-only system register',
  'sysreg-writeonly': 'Read of a write-only system register',
  'reg-width': 'Register of the wrong width',
  'imm-range': 'Immediate out of range',
  'imm-bitmask': 'Not a bitmask immediate',
  'imm-mov': 'Constant does not fit one MOV',
  'imm-shift': 'Shift amount cannot be encoded',
  'operand-missing': 'Operand missing',
  'operand-extra': 'One operand too many',
  'operand-kind': 'Operand of the wrong kind',
  'option-unknown': 'Unknown option or operation',
  unpredictable: 'CONSTRAINED UNPREDICTABLE registers',
  'unpredictable-writeback': 'Base register written back and transferred',
  'isb-missing': 'No ISB after a write that needs one',
  'branch-range': 'Branch target out of reach',
  'aapcs-callee-saved': 'Callee-saved register changed and not saved',
  'aapcs-stack': 'Stack pointer not restored',
  'aapcs-sp-align16': 'Stack pointer not a multiple of 16',
  'feature-missing': 'Needs a feature that the processor lacks',
  'sysreg-el': 'System register of a higher exception level',
  'symbol-undefined': 'Symbol defined nowhere in reach',
  'label-duplicate': 'Label defined twice',
  'block-unbalanced': 'Block opened and not closed, or closed and not opened',
  'include-missing': 'Included file not found',
} as const;

export type DiagnosticCode = keyof typeof diagnosticCodes;
