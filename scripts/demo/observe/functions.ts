/** The functions' part of the timeline, from their logs. */
import { z } from "zod";
import type { LogEvent } from "../../../packages/dev/stack.ts";
import type { Actor, Tone } from "../timeline/line.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { parseJson } from "../../../packages/dev/json.ts";

const actors: Readonly<Record<string, Actor>> = {
  respond: "respond",
  "openai-webhook": "openai-webhook",
  "run-jobs": "run-jobs",
};
const entry = z.looseObject({ level: z.enum(["info", "warn", "error"]), message: z.string() });
/** Ends of a worker that the platform forces, other than removing an idle one. */
const notableEnd = /reason: (wall_clock|killed|memory|error|boot)/;

/** Shows a line of a function's log in the timeline, if it is news. */
export function tellLog({ source, line }: LogEvent, timeline: Timeline): void {
  const actor = actors[source];
  if (!actor) return;
  const parsed = line.startsWith("{") ? entry.safeParse(parseJson(line)).data : undefined;
  if (parsed) {
    const { level, message, ...fields } = parsed;
    const tone: Tone = level !== "info" ? "bad" : message === "woken" ? "wake" : "note";
    timeline.now({
      actor,
      tone,
      text: message === "woken" ? woken(fields) : logText(message, fields),
    });
  } else if (source === "run-jobs" && line.startsWith("booted")) {
    timeline.now({ actor, tone: "note", text: "a new worker process booted" });
  } else if (notableEnd.test(line)) {
    timeline.now({
      actor,
      tone: "note",
      text: `worker process ended: ${notableEnd.exec(line)?.[1]}`,
    });
  }
}

function woken({ source, worker }: Record<string, unknown>): string {
  return `woken by ${String(source)}: worker ${String(worker)}`;
}

function logText(message: string, fields: Record<string, unknown>): string {
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  return facts.length === 0 ? message : `${message} (${facts.join(", ")})`;
}
