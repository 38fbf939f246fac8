/** The arguments that a model wrote, as JSON. */
export function readArguments(args: string): { value: unknown } | { error: string } {
  try {
    return { value: JSON.parse(args.trim() === "" ? "{}" : args) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { error: `The arguments are not JSON: ${error.message}` };
  }
}
