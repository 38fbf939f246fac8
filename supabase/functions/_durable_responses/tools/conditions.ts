/** Conditions of a profile: whether a person is asked before a call of an MCP tool, depending on its arguments. */
import { lostByParsing } from "../model/canonical.ts";
import { isRecord } from "../model/is-record.ts";
import { describe, log } from "../platform/log.ts";
import type { ApproveWhen } from "../profiles/profile.ts";
import { inTime } from "./in-time.ts";

/** The condition for a tool: by `"server.tool"`, otherwise by `"tool"`. */
export function ruleOf(when: ApproveWhen, server: string, tool: string) {
  const name = [`${server}.${tool}`, tool].find((rule) => Object.hasOwn(when, rule));
  return name === undefined ? undefined : when[name];
}

/**
 * Whether a condition wants a person to be asked about this call; undefined if there is no condition. If the arguments
 * cannot be read, or can be read in two ways, or the condition throws or is late, the person is asked: a yes that was not
 * meant cannot be taken back.
 */
export async function isAskedAbout(
  when: ApproveWhen,
  server: string,
  tool: string,
  args: string,
  ms?: number,
): Promise<boolean | undefined> {
  const rule = ruleOf(when, server, tool);
  if (rule === undefined) return undefined;
  try {
    const read: unknown = JSON.parse(args || "{}");
    // A server may read such a text in another way than the condition does.
    if (!isRecord(read) || lostByParsing(args || "{}") !== undefined) return true;
    return await inTime(() => rule(read), ms);
  } catch (error) {
    log.warn("approve_when failed, so a person is asked", { tool, error: describe(error) });
    return true;
  }
}
