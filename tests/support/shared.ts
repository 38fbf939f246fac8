/**
 * What several test files share. In a group that runs as one module, files that ask for the same get the same. A file that runs
 * alone has its own.
 */
import { isDeepStrictEqual } from "node:util";
import { forFile } from "./for-file.ts";

/**
 * Equal options give the same. `start` runs once, before the first test, and its parts end after the last one.
 * @param renew takes back what a test left, before each test
 */
export function sharedBy<Options, T>(
  start: (parts: AsyncDisposableStack, options: Options) => Promise<T>,
  renew?: (shared: T) => Promise<void>,
): (options: Options) => () => T {
  const known: { options: Options; get: () => T }[] = [];
  return (options) => {
    const same = known.find((one) => isDeepStrictEqual(one.options, options));
    if (same) return same.get;
    const get = forFile((parts) => start(parts, options));
    if (renew) Deno.test.beforeEach(() => renew(get()));
    known.push({ options, get });
    return get;
  };
}
