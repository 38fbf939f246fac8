import { lostByParsing } from "../../model/canonical.ts";
import { messageOf } from "../../platform/log.ts";
import { inTime } from "../in-time.ts";

/**
 * The arguments that a model wrote, as JSON. The call must be exactly what the ledger has and a person approves, which is the
 * text. So arguments from which parsing would lose something are refused, and the model can write them in another way.
 */
function readArguments(args: string): { value: unknown } | { error: string } {
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

/**
 * What a tool makes of the arguments that a model wrote. The checks of its schema are an adopter's code: they may throw, or
 * never end.
 * @returns the reason why they do not fit, in words for the model; or what `read` gives
 */
export async function readInput<T>(
  args: string,
  read: (value: unknown) => Promise<T | { error: string }>,
): Promise<T | { error: string }> {
  const json = readArguments(args);
  if ("error" in json) return json;
  try {
    return await inTime(() => read(json.value));
  } catch (error) {
    return { error: `The arguments cannot be checked: ${messageOf(error)}` };
  }
}
