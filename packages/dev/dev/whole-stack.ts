/** `dev`: the project's stack at the usual ports, until Ctrl-C. */
import { z } from "zod";
import type { SignedInUser } from "../auth/auth.ts";
import { startConsoleFor } from "../console/for-stack.ts";
import { openBrowser } from "../console/open-browser.ts";
import { visible } from "../../text/visible.ts";
import { type LogEvent, type Stack, startStack } from "../stack.ts";
import { banner } from "../stack/banner.ts";
import { forgetKept } from "../stack/kept.ts";
import { openaiFromEnvironment } from "../stack/openai-access.ts";
import { messageOf } from "../message-of.ts";
import { beforeExit } from "../shutdown.ts";
import { holdEnvFile } from "./env-file.ts";
import { keptOutText } from "./kept-out.ts";
import type { Ports } from "./option-values.ts";
import type { ProfileCheck } from "./profile-check.ts";
import { projectSecrets } from "./project-secrets.ts";
import { reloadOnChange } from "./reload.ts";

/** Where `supabase start` has its Studio. */
const usualConsolePort = 54323;
/** Parts whose every line would drown those of the functions. */
const quietSources = new Set(["postgres", "postgrest", "everything"]);

export interface DevOptions {
  /** The folder that holds `supabase/`. */
  project: string;
  /** What is kept from one run to the next. */
  data: string;
  /** Begin with a new database and new users. */
  fresh: boolean;
  ports: Ports;
  wallClockS: number;
  /** Whether the console is opened in a browser, where that can be. */
  open: boolean;
  /** What the function is called that takes queries. */
  functionName: string;
  /** The path of a file of plans for the OpenAI stand-in. */
  plans?: string;
  /** Made at the start, and after each change. */
  check: ProfileCheck | undefined;
}

export async function runStack(options: DevOptions): Promise<void> {
  const { project, data, ports } = options;
  const startedAt = performance.now();
  // The first is the last to be called.
  beforeExit(() => Promise.resolve(console.log("Stopped")));
  const writeEnvFile = await holdEnvFile(project);
  if (options.fresh) await forgetKept(data);
  const openai = openaiFromEnvironment();
  const stack = await startStack({
    project,
    keep: data,
    ports,
    wallClockMs: options.wallClockS * 1000,
    env: projectSecrets(project),
    onLog: printLog,
    ...(openai ? { openai } : options.plans !== undefined && { plans: options.plans }),
  });
  const user = await stack.createUser("dev@example.com", stack.userPassword);
  sayWherePortsWereTaken(stack, ports);
  const keptOut = await keptOutText(project, options.functionName);
  if (keptOut !== undefined) console.log(keptOut);
  const respondUrl = `${stack.functionsUrl}/${options.functionName}`;
  const profiles = await profileNames(respondUrl, user.token);
  console.log(banner(stack, user, {
    data,
    respondUrl,
    profiles,
    envFile: await writeEnvFile(stack, user),
  }));
  await showConsole(stack, user, profiles, options);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`\nReady after ${seconds} s. Press Ctrl-C to stop. Function logs:\n`);
  const say = (line: string) => console.log(visible(`[dev] ${line}`));
  reloadOnChange({ stack, project, check: options.check, say });
}

const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });

/** The profiles that the function has; none while it cannot start, which its log says. */
async function profileNames(respondUrl: string, token: string): Promise<string[]> {
  const answer = await fetch(`${respondUrl}/v1/models`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (answer.ok) return modelsSchema.parse(await answer.json()).data.map(({ id }) => id);
  console.log(visible(`The function does not answer yet: ${answer.status} ${await answer.text()}`));
  return [];
}

function sayWherePortsWereTaken(stack: Stack, wanted: DevOptions["ports"]): void {
  const got = { api: Number(new URL(stack.apiUrl).port), db: stack.database.port };
  for (const part of ["api", "db"] as const) {
    if (got[part] !== wanted[part]) {
      console.log(`Port ${wanted[part]} is in use; the ${part} is on ${got[part]} instead`);
    }
  }
}

function printLog({ source, line }: LogEvent): void {
  if (!quietSources.has(source)) console.log(visible(`[${source}] ${line}`));
}

/** The stack is of use without the console, so a console that cannot be built or opened does not end it. */
async function showConsole(
  stack: Stack,
  user: SignedInUser,
  profiles: string[],
  { functionName, open: opens }: DevOptions,
): Promise<void> {
  try {
    const { url } = await startConsoleFor(stack, user, {
      port: usualConsolePort,
      profiles,
      functionName,
    });
    console.log(`\nOpen the console in a browser: ${url}`);
    const trouble = opens ? await openBrowser(url) : undefined;
    if (trouble !== undefined) console.log(visible(trouble));
  } catch (error) {
    console.log(visible(`\n${messageOf(error)}`));
  }
}
