import type { RequestBody } from "../model/request.ts";

/** What a route is made of; see response_routes in the migrations. */
export interface Route {
  route: string;
  model: string;
  toolServers: string[];
}

/** The route of a request: jobs that fail for the same reasons share it. */
export function routeOf(profile: string, body: RequestBody): Route {
  const model = body.model ?? "";
  const toolServers = (body.tools ?? []).flatMap((tool) =>
    tool.type === "mcp" && tool.server_label ? [tool.server_label] : []
  );
  return {
    route: [profile, model, toolServers.join("+")].join("/").slice(0, 500),
    model,
    toolServers,
  };
}
