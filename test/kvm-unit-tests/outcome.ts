/** What a test said: its PASS, FAIL and SKIP lines, and the status with which it ended. */

export interface Outcome {
  readonly verdict: 'PASS' | 'FAIL' | 'SKIP' | 'no end';
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** The FAIL lines, what the test last said where it did not end, or why it was skipped. */
  readonly remarks: readonly string[];
}

/** Statuses of the tests: twice the code of the guest's exit(), plus 1. */
const PASSED = 1;
const SKIPPED = 77;

/** @param status of chr-testdev; where it is undefined the EXIT line counts */
export function outcomeOf(output: string, status: number | undefined): Outcome {
  const lines = output.split(/\r?\n/);
  const count = (kind: string): number => lines.filter((line) => line.startsWith(kind)).length;
  const passed = count('PASS: ') + count('XFAIL: ') + count('KFAIL: ');
  const failures = lines.filter((line) => /^(FAIL|XPASS): /.test(line));
  const skips = lines.filter((line) => line.startsWith('SKIP: '));
  const said = /EXIT: STATUS=(\d+)/.exec(output)?.[1];
  const code = status ?? (said === undefined ? undefined : Number(said));
  const counts = { passed, failed: failures.length, skipped: skips.length };
  if (code === undefined) {
    const last = lines.filter((line) => line.trim() !== '').at(-1) ?? 'nothing was printed';
    return { verdict: 'no end', ...counts, remarks: [...failures, last] };
  }
  if (code === PASSED && failures.length === 0) return { verdict: 'PASS', ...counts, remarks: [] };
  if (code === SKIPPED) {
    const reason = lines.find((line) => /skip/i.test(line));
    return { verdict: 'SKIP', ...counts, remarks: skips.length > 0 ? skips : [reason ?? ''] };
  }
  const aborted = lines.filter((line) => /abort|Unhandled|Assert/i.test(line)).slice(0, 3);
  return { verdict: 'FAIL', ...counts, remarks: [...failures, ...aborted] };
}
