import type { PredictAccessArguments, PredictAccessResponse } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';

type Prediction = PredictAccessResponse['predictions'][number];

/** Request `trapline/predictAccess`. */
export function predictAccess(
  { machine }: Debuggee,
  { accesses }: PredictAccessArguments,
): PredictAccessResponse {
  return {
    predictions: accesses.map(({ register, direction }): Prediction => {
      const found = machine.predictAccess(machine.currentVcpu, register, direction);
      if (found === undefined) {
        return { outcome: 'unknown', controls: [], text: `names no register ("${register}")` };
      }
      const { outcome, EL, targetEL, controls } = found;
      switch (outcome) {
        case 'allowed':
          return { outcome, EL, controls, text: `is allowed at EL${EL}` };
        case 'undefined':
          return { outcome, EL, controls, text: `is UNDEFINED at EL${EL}` };
        case 'trapped': {
          const by = controls.length === 0 ? '' : ` (${controls.join(', ')})`;
          const text = `will be trapped to EL${targetEL ?? 2}${by}`;
          return { outcome, EL, targetEL: targetEL ?? 2, controls, text };
        }
      }
    }),
  };
}
