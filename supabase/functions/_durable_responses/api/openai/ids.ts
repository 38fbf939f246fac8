import * as z from "../../model/zod.ts";

/** A job's id as OpenAI writes ids: `resp_` and the UUID without its dashes. */
export function responseIdOf(jobId: string): string {
  return `resp_${jobId.replaceAll("-", "")}`;
}

/** The job that an id names, in OpenAI's form or as the plain UUID; undefined when it can name none. */
export function jobIdOf(id: string): string | undefined {
  const hex = /^resp_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id);
  return z.uuid().safeParse(hex ? hex.slice(1).join("-") : id).data;
}
