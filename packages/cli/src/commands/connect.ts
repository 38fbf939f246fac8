/** `durable-responses connect`: puts what the database needs to wake the worker into Vault, and tests it. */
import { z } from "zod";
import { connect as openConnection, type ConnectionOptions } from "../api/connection.ts";
import { Project, refusalOf } from "../api/project.ts";
import { checkWake } from "../doctor/wake.ts";
import { Failure } from "../failure.ts";
import { secretsFile, workerSecret } from "../init/secrets-file.ts";
import { adviceFor, isLocal } from "../terminal/here.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface ConnectOptions extends ConnectionOptions {
  /** The URL for the database, if it differs from this machine's. */
  projectUrl?: string;
}

export async function connect(
  terminal: Terminal,
  options: ConnectOptions,
): Promise<void> {
  const connection = await openConnection(terminal, options);
  const secret = connection.secrets[workerSecret];
  if (!secret) {
    throw new Failure(`Cannot connect: ${workerSecret} is not set here`, {
      hint:
        `It is in supabase/${secretsFile} on the machine that ran init. Set it in the environment, or pass --secrets-file`,
      exitCode: 2,
    });
  }
  const project = new Project(connection);
  await requireKnown(project, secret);
  const url = options.projectUrl ?? connection.url;
  await project.call("connect_response_worker", {
    p_project_url: url,
    p_worker_secret: secret,
  }, z.unknown());
  terminal.out(`Vault has the URL ${url} and the worker secret.`);
  if (terminal.interactive) terminal.note("Waking the worker from the database …");
  const verdict = await checkWake(project);
  if (verdict.status !== "ok") {
    throw new Failure(
      `Stored, but ${verdict.message}`,
      verdict.fix === undefined ? {} : { hint: adviceFor(connection.url, verdict.fix) },
    );
  }
  terminal.out(`${terminal.color.green("ok")}: ${verdict.message}.`);
}

/** A wrong secret must not replace a correct one. */
async function requireKnown(project: Project, secret: string): Promise<void> {
  const { url } = project.connection;
  const answer = await project.knock("run-jobs", {
    method: "POST",
    body: { source: "connect" },
    headers: { "x-worker-secret": secret },
  });
  if (answer.status === 202) return;
  const { code, message } = refusalOf(answer);
  if (answer.status === 404) {
    throw new Failure("Cannot connect: run-jobs is not deployed; nothing was stored", {
      hint: adviceFor(url, "npx supabase functions deploy --remote --use-api run-jobs"),
    });
  }
  throw new Failure(
    code === "invalid_worker_secret"
      ? `Cannot connect: run-jobs has a different ${workerSecret}; nothing was stored`
      : `Cannot connect: run-jobs answers ${code}: ${message}; nothing was stored`,
    {
      hint: isLocal(url)
        ? `With dev there is nothing to do: it connects its database itself. With supabase functions serve, put ${workerSecret} from supabase/${secretsFile} into supabase/functions/.env and start it again`
        : `npx supabase secrets set --remote --env-file supabase/${secretsFile}`,
    },
  );
}
