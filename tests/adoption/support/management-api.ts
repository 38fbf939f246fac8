/** The part of Supabase's management API that `functions deploy --use-api` uses. It records what it is sent. */
import { supabaseEnvironment } from "../../../packages/dev/child-environment.ts";
import { join } from "node:path";
import { z } from "zod";
import { findSupabaseCli } from "../../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../../packages/dev/processes.ts";

const metadataSchema = z.object({
  entrypoint_path: z.string(),
  import_map_path: z.string(),
  verify_jwt: z.boolean(),
});

export interface Deployed {
  /** Text of each file, by its path from the project's folder. */
  files: Map<string, string>;
  metadata: z.infer<typeof metadataSchema>;
}

const projectRef = "abcdefghijklmnopqrst";

/** Deploys a project's functions with the real CLI. @returns what each was deployed with, by name */
export async function deploy(folder: string, names: string[]): Promise<Map<string, Deployed>> {
  const deployed = new Map<string, Deployed>();
  await withManagementApi(
    (request) => answer(request, deployed),
    ["functions", "deploy", "--use-api", "--yes", "--workdir", folder, ...names],
  );
  return deployed;
}

const secretsSchema = z.array(z.object({ name: z.string(), value: z.string() }));

/** The names and values that `supabase secrets set --env-file` reads from a file and sends. */
export async function secretsSet(file: string): Promise<Record<string, string>> {
  const sent: z.infer<typeof secretsSchema> = [];
  await withManagementApi(async (request) => {
    if (!request.url.endsWith("/secrets") || request.method !== "POST") {
      return await answer(request, new Map());
    }
    sent.push(...secretsSchema.parse(await request.json()));
    return Response.json({}, { status: 201 });
  }, ["secrets", "set", "--env-file", file, "--yes"]);
  return Object.fromEntries(sent.map(({ name, value }) => [name, value]));
}

/** Runs the real CLI against our API. */
async function withManagementApi(
  handler: (request: Request) => Promise<Response>,
  args: string[],
): Promise<void> {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => undefined },
    handler,
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const profile = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    const lines = [
      "name: test",
      `api_url: ${url}`,
      `dashboard_url: ${url}`,
      "project_host: localhost",
    ];
    await Deno.writeTextFile(profile, lines.join("\n"));
    await runProcess({
      name: `supabase ${args.slice(0, 2).join(" ")}`,
      command: await findSupabaseCli(),
      args: [...args, `--remote=${projectRef}`, "--profile", profile],
      env: {
        ...supabaseEnvironment(),
        SUPABASE_ACCESS_TOKEN: `sbp_${"0123456789abcdef".repeat(2)}01234567`,
      },
    });
  } finally {
    await Deno.remove(profile);
  }
}

async function answer(request: Request, deployed: Map<string, Deployed>): Promise<Response> {
  const url = new URL(request.url);
  const functions = `/v1/projects/${projectRef}/functions`;
  if (url.pathname === `${functions}/deploy`) {
    const slug = url.searchParams.get("slug") ?? "";
    deployed.set(slug, await readUpload(await request.formData()));
    return Response.json(about(slug), { status: 201 });
  }
  if (url.pathname === functions && request.method === "PUT") {
    await request.body?.cancel();
    return Response.json({ functions: [...deployed.keys()].map(about) });
  }
  if (url.pathname === functions) return Response.json([]);
  if (url.pathname === `/v1/projects/${projectRef}`) {
    return Response.json({
      id: projectRef,
      ref: projectRef,
      name: "shop",
      status: "ACTIVE_HEALTHY",
      organization_id: "acme",
      organization_slug: "acme",
      region: "eu-west-1",
      created_at: "2026-01-01T00:00:00Z",
      database: {
        host: "db.localhost",
        version: "17.1",
        postgres_engine: "17",
        release_channel: "ga",
      },
    });
  }
  return Response.json({ message: `the test knows no ${url.pathname}` }, { status: 404 });
}

async function readUpload(form: FormData): Promise<Deployed> {
  const files = new Map<string, string>();
  for (const part of form.getAll("file")) {
    if (part instanceof File) files.set(part.name, await part.text());
  }
  const metadata: unknown = JSON.parse(String(form.get("metadata")));
  return { files, metadata: metadataSchema.parse(metadata) };
}

function about(slug: string) {
  return {
    id: slug,
    slug,
    name: slug,
    status: "ACTIVE",
    version: 1,
    created_at: 1,
    updated_at: 1,
    verify_jwt: false,
    import_map: true,
    entrypoint_path: join(slug, "index.ts"),
  };
}
