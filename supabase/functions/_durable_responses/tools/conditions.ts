/** Conditions of a profile: whether a person is asked before a call of an MCP tool, by its arguments. */
import { lostByParsing } from "../model/canonical.ts";
import { isRecord } from "../model/lenient.ts";
import { describe, log } from "../platform/log.ts";
import type { ApproveWhen } from "../profiles/profile.ts";
import { inTime } from "./in-time.ts";

/** The condition for a tool: by `"server.tool"`, else by `"tool"`. */
export function ruleOf(when: ApproveWhen, server: string, tool: string) {
  const name = [`${server}.${tool}`, tool].find((rule) => Object.hasOwn(when, rule));
  return name === undefined ? undefined : when[name];
}

/**
 * Whether a condition wants a person asked about this very call; undefined where there is none. Arguments that cannot be read, or
 * in more than one way, and a condition that throws or is late, want one: a yes that was not meant cannot be taken back.
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
    // Whoever makes the call may read such a text in another way than the condition would.
    if (!isRecord(read) || lostByParsing(args || "{}") !== undefined) return true;
    return await inTime(() => rule(read), ms);
  } catch (error) {
    log.warn("approve_when failed, so a person is asked", { tool, error: describe(error) });
    return true;
  }
}
