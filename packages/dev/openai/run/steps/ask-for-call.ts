import { leftCall } from "../../model/left-call.ts";
import type { LeftCallType } from "../../request/left-calls.ts";
import { wait } from "../../wait.ts";
import type { RunEnv } from "../env.ts";
import type { Run } from "../run.ts";
import type { EventBody } from "../wire.ts";

/** Most pieces in which arguments are written, and fewest characters of one. */
const mostPieces = 20;
const fewestCharacters = 8;

/** A call that whoever asked makes, and answers in the input of another request. */
export async function askForCall(
  run: Run,
  env: RunEnv,
  { tool, arguments: args, call = "function_call" }: {
    tool: string;
    arguments: Record<string, unknown>;
    call?: LeftCallType | undefined;
  },
): Promise<void> {
  const item = leftCall(call, tool, args);
  const write = async (text: string, piece: (delta: string) => EventBody) => {
    const length = Math.max(fewestCharacters, Math.ceil(text.length / mostPieces));
    const pieces = Math.ceil(text.length / length);
    for (let at = 0; at < pieces; at++) {
      run.emit(piece(text.slice(at * length, (at + 1) * length)));
      await wait(env.timings.argumentsMs / pieces, run.signal);
    }
  };
  switch (item.type) {
    case "function_call": {
      const output_index = run.openItem({ ...item, arguments: "", status: "in_progress" });
      const at = { item_id: item.id ?? "", output_index };
      const type = "response.function_call_arguments.delta";
      await write(item.arguments, (delta) => ({ type, ...at, delta }));
      const done = "response.function_call_arguments.done";
      run.emit({ type: done, ...at, arguments: item.arguments });
      return run.closeItem(output_index, item);
    }
    case "custom_tool_call": {
      const output_index = run.openItem({ ...item, input: "" });
      const at = { item_id: item.id ?? "", output_index };
      const type = "response.custom_tool_call_input.delta";
      await write(item.input, (delta) => ({ type, ...at, delta }));
      run.emit({ type: "response.custom_tool_call_input.done", ...at, input: item.input });
      return run.closeItem(output_index, item);
    }
    case "shell_call": {
      const { action } = item;
      const output_index = run.openItem({
        ...item,
        action: { ...action, commands: [] },
        status: "in_progress",
      });
      for (const [command_index, command] of action.commands.entries()) {
        const at = { output_index, command_index };
        run.emit({ type: "response.shell_call_command.added", ...at, command: "" });
        const type = "response.shell_call_command.delta";
        await write(command, (delta) => ({ type, ...at, delta }));
        run.emit({ type: "response.shell_call_command.done", ...at, command });
      }
      return run.closeItem(output_index, item);
    }
    default:
      await wait(env.timings.argumentsMs, run.signal);
      return run.closeItem(run.openItem(item), item);
  }
}
