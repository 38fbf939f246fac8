import { isRecord } from "../../model/is-record.ts";
import type { InputItem } from "../../model/request.ts";
import type { CallKind } from "../../model/status.ts";

/** How a call that OpenAI leaves to others ended, as the ledger has it. */
interface End {
  output: string | null;
  error: string | null;
  /** Content that the model gets instead of the text. */
  parts?: unknown;
}

/**
 * The item that tells OpenAI how a call ended.
 * @returns undefined for a screenshot that nobody took, because there is no item for that
 */
export function answerItem(kind: CallKind, callId: unknown, end: End): InputItem | undefined {
  const { output, error, parts } = end;
  const type = `${kind}_output`;
  const said = error === null ? output ?? "" : JSON.stringify({ error });
  switch (kind) {
    case "function_call":
    case "custom_tool_call":
      return { type, call_id: callId, output: error === null ? parts ?? said : said };
    case "local_shell_call":
      // OpenAI's reference has the call's id in `id`, its guide in `call_id`.
      return { type, id: callId, call_id: callId, output: said };
    case "apply_patch_call":
      return error === null
        ? { type, call_id: callId, ...fieldsIn(output) }
        : { type, call_id: callId, status: "failed", output: error };
    case "shell_call": {
      const outcome = { type: "exit", exit_code: 1 };
      return error === null
        ? { type, call_id: callId, ...fieldsIn(output) }
        : { type, call_id: callId, output: [{ stdout: "", stderr: error, outcome }] };
    }
    case "computer_call":
      return error === null ? { type, call_id: callId, ...fieldsIn(output) } : undefined;
  }
}

/** The outcome of such a call in words. The ledger has some answers as JSON. */
export function outputInWords(kind: CallKind, output: string | null): unknown {
  if (output === null || !isStructured(kind)) return output;
  const fields = fieldsIn(output);
  // A single field is always `output`, so its name adds nothing.
  return Object.keys(fields).length === 1 ? fields["output"] : fields;
}

function isStructured(kind: CallKind): boolean {
  return kind === "apply_patch_call" || kind === "shell_call" || kind === "computer_call";
}

function fieldsIn(output: string | null): Record<string, unknown> {
  const fields: unknown = JSON.parse(output ?? "{}");
  return isRecord(fields) ? fields : {};
}
