/**
 * Conditions of a profile: whether a person is asked before a call, depending on its arguments. Only the answer `false` lets a
 * call go ahead. Everything else asks: a yes that was not meant cannot be taken back.
 */
import { lostByParsing } from "../model/canonical.ts";
import { isRecord } from "../model/is-record.ts";
import { nameOfValue } from "../model/name-of-value.ts";
import { describe, log, type LogFields } from "../platform/log.ts";
import type { ApproveWhen } from "../profiles/profile.ts";
import { inTime } from "./in-time.ts";

/** A profile's function for a tool: by `"server.tool"`, otherwise by `"tool"`. */
export function ruleOf<F>(
  rules: Readonly<Record<string, F>>,
  server: string,
  tool: string,
): F | undefined {
  const name = [`${server}.${tool}`, tool].find((rule) => Object.hasOwn(rules, rule));
  return name === undefined ? undefined : rules[name];
}

/**
 * Whether a condition wants a person to be asked about a call of an MCP tool; undefined if there is no condition. If the
 * arguments cannot be read, or can be read in two ways, the person is asked.
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
  return await saysAsk(
    "approve_when",
    () => {
      const read: unknown = JSON.parse(args || "{}");
      // A server may read such a text in another way than the condition does.
      return !isRecord(read) || lostByParsing(args || "{}") !== undefined || rule(read);
    },
    { tool, server },
    ms,
  );
}

/**
 * Whether an adopter's condition wants a person to be asked. The log says why if it has not answered true or false.
 * @param name what the profile calls it
 * @param about the call, for the log
 */
export async function saysAsk(
  name: string,
  condition: () => unknown,
  about: LogFields,
  ms?: number,
): Promise<boolean> {
  try {
    const answer = await inTime(condition, ms);
    if (typeof answer === "boolean") return answer;
    log.warn(`${name} did not answer true or false, so a person is asked`, {
      ...about,
      answer: nameOfValue(answer),
    });
  } catch (error) {
    log.warn(`${name} failed, so a person is asked`, { ...about, error: describe(error) });
  }
  return true;
}
