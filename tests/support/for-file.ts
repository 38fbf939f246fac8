/**
 * Starts something before the tests of a file, and stops it after them, whatever happens. A running test gets it from the
 * returned function.
 */
export function forFile<T>(start: (parts: AsyncDisposableStack) => Promise<T>): () => T {
  const parts = new AsyncDisposableStack();
  let started: { value: T } | undefined;
  Deno.test.beforeAll(async () => {
    try {
      started = { value: await start(parts) };
    } catch (error) {
      await parts.disposeAsync();
      throw error;
    }
  });
  Deno.test.afterAll(() => parts.disposeAsync());
  return () => {
    if (!started) {
      throw new Error("Cannot use what a file's tests share: it is there only in a test");
    }
    return started.value;
  };
}
