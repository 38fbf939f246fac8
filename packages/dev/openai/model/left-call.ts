/** From the arguments of a plan to the fields of a call that is left to whoever asks, and back. */
import type { OutputItem } from "../run/wire.ts";
import { type IdPrefix, newId } from "../ids.ts";
import {
  type Answer,
  ComputerSchema,
  type LeftCall,
  type LeftCallType,
  LocalShellActionSchema,
  OperationSchema,
  ShellActionSchema,
} from "../request/left-calls.ts";

type Args = Record<string, unknown>;

const prefixes = {
  function_call: "fc",
  custom_tool_call: "ctc",
  apply_patch_call: "apc",
  local_shell_call: "lsh",
  shell_call: "sh",
  computer_call: "cu",
} as const satisfies Record<LeftCallType, IdPrefix>;

/** Tools whose calls are left to whoever asks, by their type: the calls' type, and the name by which a plan calls them. */
const unnamed: Readonly<Record<string, { name: string; call: LeftCallType }>> = {
  apply_patch: { name: "apply_patch", call: "apply_patch_call" },
  local_shell: { name: "local_shell", call: "local_shell_call" },
  shell: { name: "shell", call: "shell_call" },
  computer: { name: "computer", call: "computer_call" },
  computer_use_preview: { name: "computer", call: "computer_call" },
};

/** The tool of a request as a plan knows it; undefined if OpenAI runs it. */
export function leftToolOf(
  tool: { type: string; name?: unknown; environment?: unknown },
): { name: string; call: LeftCallType } | undefined {
  if (tool.type === "function" || tool.type === "custom") {
    return {
      name: String(tool.name),
      call: tool.type === "custom" ? "custom_tool_call" : "function_call",
    };
  }
  if (tool.type === "shell") {
    const { environment } = tool;
    const isLocal = typeof environment === "object" && environment !== null &&
      "type" in environment && environment.type === "local";
    if (!isLocal) return undefined;
  }
  return Object.hasOwn(unnamed, tool.type) ? unnamed[tool.type] : undefined;
}

/**
 * A call's finished item. The arguments are the function's; `{input}` of a custom tool; the operation, or the action, of a patch or a
 * shell; `{action | actions, pending_safety_checks?}` of a computer.
 */
export function leftCall(type: LeftCallType, name: string, args: Args): OutputItem {
  const base = { id: newId(prefixes[type]), call_id: newId("call"), status: "completed" } as const;
  switch (type) {
    case "function_call":
      return { ...base, type, name, arguments: JSON.stringify(args) };
    case "custom_tool_call":
      return { ...base, type, name, input: String(args["input"] ?? "") };
    case "apply_patch_call":
      return { ...base, type, operation: OperationSchema.parse(args) };
    case "local_shell_call":
      return { ...base, type, action: LocalShellActionSchema.parse(args) };
    case "shell_call":
      return {
        ...base,
        type,
        action: ShellActionSchema.parse(args),
        environment: { type: "local" },
      };
    case "computer_call": {
      const { action, actions, pending_safety_checks } = ComputerSchema.parse(args);
      return {
        ...base,
        type,
        ...(action && { action }),
        ...(actions && { actions }),
        pending_safety_checks,
      };
    }
  }
}

/** What a plan calls the tool of a call. */
export function toolNameOf(call: LeftCall): string {
  if (call.type === "function_call" || call.type === "custom_tool_call") return call.name;
  return call.type.replace(/_call$/, "");
}

/**
 * What the model knows of a call's arguments, so that a plan's step can be told from another: the same, whether it is read from the
 * item or from what a message says of it.
 */
export function plainArguments(tool: string, fields: unknown): unknown {
  if (typeof fields === "string") return { input: fields };
  if (typeof fields !== "object" || fields === null) return fields;
  const { operation, action, actions, pending_safety_checks: checks } = Object.fromEntries(
    Object.entries(fields),
  );
  switch (tool) {
    case "apply_patch":
      return operation ?? fields;
    case "local_shell":
    case "shell":
      return said(action ?? fields);
    case "computer":
      return said({ action, actions, pending_safety_checks: checks });
    default:
      return fields;
  }
}

/** Without what is the same in every call. */
function said(fields: unknown): unknown {
  if (typeof fields !== "object" || fields === null) return fields;
  return Object.fromEntries(
    Object.entries(fields).filter(([key, value]) =>
      value !== null && value !== undefined && !(key === "type" && value === "exec") &&
      JSON.stringify(value) !== "{}" && JSON.stringify(value) !== "[]"
    ),
  );
}

/** A call's own fields. */
export function fieldsOf(call: LeftCall): unknown {
  return call.type === "custom_tool_call" ? call.input : { ...call };
}

/** What an answer says. */
export function outputOf(answer: Answer): unknown {
  if (answer.type === "apply_patch_call_output") return answer.output ?? answer.status;
  return answer.output;
}
