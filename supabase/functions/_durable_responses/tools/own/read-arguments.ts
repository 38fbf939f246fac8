import { lostByParsing } from "../../model/canonical.ts";

/**
 * The arguments that a model wrote, as JSON. What is called must be what the ledger has and a person has approved, which is the text:
 * arguments that say more than their value can hold are refused, and the model can write them in another way.
 */
export function readArguments(args: string): { value: unknown } | { error: string } {
  const text = args.trim() === "" ? "{}" : args;
  try {
    const value: unknown = JSON.parse(text);
    const lost = lostByParsing(text);
    return lost === undefined ? { value } : {
      error:
        `Not called: in the arguments ${lost}. Write a long number as a string, and each key once`,
    };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { error: `The arguments are not JSON: ${error.message}` };
  }
}
