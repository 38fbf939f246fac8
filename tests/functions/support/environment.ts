/** A function's environment while the tests of a file run. Files in the same process have different ones. */
export function setEnvironment(
  parts: AsyncDisposableStack,
  variables: Readonly<Record<string, string>>,
): void {
  const whole = {
    DURABLE_RESPONSES_WORKER_SECRET: "worker-secret-of-the-test",
    OPENAI_API_KEY: "openai-key-of-the-test",
    ...variables,
  };
  for (const [name, value] of Object.entries(whole)) {
    const before = Deno.env.get(name);
    Deno.env.set(name, value);
    parts.defer(() => before === undefined ? Deno.env.delete(name) : Deno.env.set(name, before));
  }
}
