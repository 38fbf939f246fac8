/** Ids of jobs as a person types them: whole, or the end of one, as `jobs list` shows it. */
import { z } from "zod";
import { Failure } from "../failure.ts";
import type { Project } from "./project.ts";

const whole = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** An id begins with the time, so that jobs of one minute begin alike: what tells them apart is the end. */
const shortLength = 8;
const short = /^[0-9a-f]{6,12}$/i;
/** Among so many of the newest jobs a short id is looked for. */
const searched = 1000;

export function shortId(id: string): string {
  return id.slice(-shortLength);
}

/** @throws Failure when there is no such job among the newest, or several end so */
export async function jobIdOf(project: Project, typed: string): Promise<string> {
  if (whole.test(typed)) return typed;
  if (!short.test(typed)) {
    throw new Failure(
      `Cannot find a job by '${typed}': a job's id is a UUID, or its last 8 digits`,
      {
        exitCode: 2,
      },
    );
  }
  const rows = await project.rows(
    `response_jobs?select=id&order=id.desc&limit=${searched}`,
    z.object({ id: z.string() }),
  );
  const found = rows.filter(({ id }) => id.endsWith(typed.toLowerCase()));
  const [only] = found;
  if (only && found.length === 1) return only.id;
  throw new Failure(
    found.length === 0
      ? `Cannot find a job whose id ends in '${typed}': none of the newest ${searched} does`
      : `Cannot tell which job is meant: ${found.map(({ id }) => id).join(", ")} end in '${typed}'`,
    { hint: "Give the whole id: npx durable-responses jobs list --json has it", exitCode: 2 },
  );
}
