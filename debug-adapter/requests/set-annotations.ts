import type { CodeRequest } from '../breakpoints/breakpoints.ts';
import type { SetAnnotationsArguments, SetAnnotationsResponse } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import { resolveLine } from './set-breakpoints.ts';

/** Request `trapline/setAnnotations`: what comments of the sources demand of every run. */
export function setAnnotations(
  debuggee: Debuggee,
  { annotations }: SetAnnotationsArguments,
): SetAnnotationsResponse {
  const requests = annotations.map(({ kind, path, line, text }): CodeRequest => ({
    ...(kind === 'assert' ? { condition: `!(${text})`, assertion: text } : { logMessage: text }),
    // The guest must not notice, and slots are for the user.
    mode: 'vm',
    key: `${path}:${line}`,
    resolution: resolveLine(debuggee, { path }, line, undefined),
  }));
  const set = debuggee.breakpoints.setCode('annotations', 'annotation', requests);
  return {
    annotations: annotations.map(({ path, line }, index) => ({
      path,
      line: set[index]?.line ?? line,
      verified: set[index]?.verified === true,
      message: set[index]?.message ?? '',
    })),
  };
}
