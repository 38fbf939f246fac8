/** Routes in tests: their rows, and jobs that fail or finish on them. */
import type { Row } from "postgres";
import { fenced } from "./ledger.ts";
import type { JobView } from "./machine-shapes.ts";
import type { Machine } from "./machine.ts";

export async function routeOf(machine: Machine, route: string): Promise<Row> {
  const [row] = await machine.db.owner`select * from public.response_routes where route = ${route}`;
  if (row === undefined) throw new Error(`Cannot read route ${route}: there is no such row`);
  return row;
}

/** Submits a job in background mode on `route`. It is queued instead if the route skips background. */
export async function tryBackground(machine: Machine, route = "r"): Promise<JobView> {
  return await machine.submit({ mode: "background", route: route, once_tools: false });
}

/** Fails the background try of a job, so that it falls back. */
export async function failBackground(
  machine: Machine,
  { id }: { id: string },
  code = "openai_server_error",
): Promise<void> {
  await machine.call("fall_back_response_job", {
    ...fenced({ id, attempt: 1 }),
    p_error: { code, message: "Cannot answer" },
  });
}

/** Submits a background job on `route` and fails it. */
export async function oneFailure(machine: Machine, route = "r", code?: string): Promise<void> {
  await failBackground(machine, await tryBackground(machine, route), code);
}

/** Sets a setting of the project. */
export async function setting(machine: Machine, name: string, value: number): Promise<void> {
  await machine.db.owner`update public.response_settings set ${
    machine.db.owner({ [name]: value })
  }`;
}
