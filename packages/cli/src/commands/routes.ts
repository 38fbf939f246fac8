/** `durable-responses routes`: what was learned about each profile with its model and tool servers. */
import { z } from "zod";
import { connect } from "../api/connection.ts";
import { Project } from "../api/project.ts";
import { visibleJson } from "../../../text/visible.ts";
import { Failure } from "../failure.ts";
import { ago, table } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { JobsOptions } from "./jobs.ts";

const schema = z.object({
  route: z.string(),
  breaker: z.string(),
  background_failures: z.number(),
  last_failure: z.string().nullable(),
  paused_until: z.string().nullable(),
  pause_reason: z.string().nullable(),
  typical_ms: z.number().nullable(),
  ignores_approval: z.boolean(),
  updated_at: z.string(),
});

const columns = Object.keys(schema.shape).join(",");

export async function listRoutes(
  terminal: Terminal,
  options: JobsOptions,
): Promise<void> {
  const project = new Project(await connect(terminal, options));
  const routes = await project.rows(
    `response_routes?select=${columns}&order=route`,
    schema,
  );
  if (options.json) {
    terminal.out(visibleJson(routes));
    return;
  }
  if (routes.length === 0) {
    terminal.note("No routes yet: the first job creates one.");
    return;
  }
  const cells = routes.map((route) => [
    route.route,
    route.ignores_approval ? `${route.breaker}, ignores approval` : route.breaker,
    route.last_failure ? `${route.background_failures} (${route.last_failure})` : "-",
    route.pause_reason ? `${route.pause_reason} until ${route.paused_until}` : "-",
    route.typical_ms === null ? "-" : `${(route.typical_ms / 1000).toFixed(1)} s`,
    ago(route.updated_at),
  ]);
  for (
    const line of table([
      "route",
      "background",
      "failures",
      "paused",
      "typical run",
      "changed",
    ], cells)
  ) {
    terminal.out(line);
  }
}

/** Forgets the problems of a route: background is tried again, and no job waits. */
export async function resetRoute(
  terminal: Terminal,
  route: string,
  options: JobsOptions,
): Promise<void> {
  const project = new Project(await connect(terminal, options));
  const clean = {
    breaker: "closed",
    background_failures: 0,
    probe_at: null,
    paused_until: null,
    pause_reason: null,
  };
  const [row] = await project.update(
    `response_routes?route=eq.${encodeURIComponent(route)}&select=${columns}`,
    clean,
    schema,
  );
  if (!row) {
    throw new Failure(`Cannot reset '${route}': there is no such route`, {
      hint: "npx durable-responses routes",
    });
  }
  terminal.out(
    options.json
      ? visibleJson(row)
      : `${route}: background is tried again, and the pause has ended`,
  );
}
