/** What Node says about a file, in the adapter's words. */
import { HostFileError } from '../host.ts';

export function fileError(cause: unknown): HostFileError {
  if (cause instanceof HostFileError) return cause;
  const code = (cause as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new HostFileError('missing', 'it does not exist', { cause });
    case 'EISDIR':
      return new HostFileError('directory', 'it is a folder', { cause });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new HostFileError('unreadable', 'access is denied', { cause });
    default: {
      const text = cause instanceof Error ? cause.message : String(cause);
      return new HostFileError('unreadable', text, { cause });
    }
  }
}
