/** Job ids as a person types them: whole, or the last digits, as `jobs list` shows them. */
import { z } from "zod";
import { Failure } from "../failure.ts";
import type { Project } from "./project.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Ids start with the time, so jobs of the same minute start alike: their ends differ. */
const shortLength = 8;
const short = /^[0-9a-f]{6,12}$/i;
/** How many of the newest jobs are searched for a short id. */
const searched = 1000;

export function isUuid(text: string): boolean {
  return uuid.test(text);
}

export function shortId(id: string): string {
  return id.slice(-shortLength);
}

/** @throws Failure if none of the newest jobs matches, or several do */
export async function jobIdOf(project: Project, typed: string): Promise<string> {
  if (isUuid(typed)) return typed;
  if (!short.test(typed)) {
    throw new Failure(
      `Cannot find job '${typed}': a job's id is a UUID, or its last 8 digits`,
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
      ? `Cannot find a job whose id ends in '${typed}' among the newest ${searched}`
      : `Cannot tell which job you mean: ${found.map(({ id }) => id).join(", ")} end in '${typed}'`,
    { hint: "Give the whole id, which npx durable-responses jobs list --json shows", exitCode: 2 },
  );
}
