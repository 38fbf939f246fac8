import * as z from "../../model/zod.ts";
import { RequestError } from "../../platform/errors.ts";

/** The parts of a message that are checked: its role and its content. Other fields that OpenAI accepts pass through. */
function messageOf(role: "user" | "assistant", parts: readonly [string, ...string[]]) {
  return z.looseObject({
    type: z.nullish(z.literal("message")),
    role: z.literal(role),
    content: z.union([
      z.string(),
      z.array(z.looseObject({ type: z.enum(parts) })).check(z.minLength(1)),
    ]),
  });
}

const sayable = z.lazy(() =>
  z.object({
    input: z.array(
      z.discriminatedUnion("role", [
        messageOf("user", ["input_text", "input_image", "input_file"]),
        // A conversation that a frontend keeps itself contains the model's messages too.
        messageOf("assistant", ["input_text", "output_text", "refusal"]),
      ]),
    ),
  })
);

/**
 * Refuses input items that a user may not send. The model would take a developer or system message for an instruction of the
 * profile, a tool call for something that was done, an `mcp_approval_response` for a person's yes, and an `item_reference`
 * for whatever the project has stored at OpenAI, for any user. Those facts come from the profile and the ledger. A server
 * with a secret key may send any item.
 * @throws RequestError `invalid_request`
 */
export function refuseUnsayable(input: unknown): void {
  if (!Array.isArray(input)) return;
  const result = sayable.safeParse({ input });
  if (result.success) return;
  const where = result.error.issues[0]?.path.slice(0, 2).join(".") ?? "input";
  throw new RequestError(
    "invalid_request",
    `Cannot accept '${where}' from a user: it must be a message with role user or assistant that contains text, images or files`,
    {
      hint:
        "Tool results and approvals come from the job itself. Continue an earlier answer with previous_response_id, approve with POST /respond/:id/approve, and put instructions into the profile",
      cause: result.error,
    },
  );
}
