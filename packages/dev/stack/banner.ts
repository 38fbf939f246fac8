/** What `dev` prints when the stack is up: `supabase status`, and lines to paste into another terminal. */
import type { SignedInUser } from "../auth/auth.ts";
import { invoicePlan } from "../mcp/mailbox.ts";
import type { Stack } from "./options.ts";

/** What is in brackets is for the OpenAI stand-in: docs/testing.md. */
const query = "Where is my order? [[plan: text It is on its way.]]";

const jobColumns = "id,status,attempt,fallback_reason,error_code";

export interface Surroundings {
  /** The folder in which the database is kept. */
  data: string;
  /** The file to source, from the project's folder. */
  envFile: string;
  /** The function that takes queries. */
  respondUrl: string;
  /** Names of the profiles, where they are known. */
  profiles: readonly string[];
}

export function banner(stack: Stack, user: SignedInUser, around: Surroundings): string {
  return [
    statusLines(stack, user, around),
    "",
    "Try it, in another terminal:",
    "",
    pasteLines(stack, user, around),
    "",
    "Watch the jobs, in another terminal:",
    "",
    watchLine(stack),
    "",
    "The logs of the functions follow, each line after its function's name in brackets.",
    "`… | tee dev.log` keeps them, and `tail -f dev.log | grep run-jobs` shows those of one function.",
  ].flat().join("\n");
}

function statusLines(stack: Stack, user: SignedInUser, { data, envFile }: Surroundings): string[] {
  const rows = [
    ["API URL", stack.apiUrl],
    ["DB URL", stack.dbUrl],
    ["as superuser", stack.adminDbUrl],
    ["JWKS URL", `${stack.apiUrl}/auth/v1/.well-known/jwks.json`],
    ["Publishable key", stack.publishableKey],
    ["Secret key", stack.secretKey],
    ["anon key", stack.anonKey],
    ["service_role key", stack.serviceRoleKey],
    [
      "OpenAI",
      stack.openai
        ? `stand-in at ${stack.openai.url}`
        : "the API of OPENAI_API_KEY; its webhooks cannot reach this machine, so jobs are polled",
    ],
    [
      "Mailbox MCP",
      `${stack.mailbox.url} (in a profile: secret("MAILBOX_MCP_URL") and secret("MAILBOX_MCP_TOKEN"))`,
    ],
    ["User", user.email],
    ["Password", user.password],
    ["Env file", `${envFile} (use it: set -a; . ${envFile}; set +a)`],
    ["Kept in", `${data} (--fresh starts over)`],
  ];
  return rows.map(([name = "", value]) => `${name.padStart(16)}: ${value}`);
}

function pasteLines(
  stack: Stack,
  user: SignedInUser,
  { respondUrl: respond, profiles }: Surroundings,
): string[] {
  const authorization = `-H "Authorization: Bearer $TOKEN"`;
  const body = JSON.stringify(
    profiles.includes("mail")
      ? { profile: "mail", query: `Reply to the overdue invoice [[plan: ${invoicePlan}]]` }
      : { query },
  );
  const recent =
    `${stack.apiUrl}/rest/v1/response_jobs?select=${jobColumns},output_text&order=id.desc&limit=5`;
  return [
    `TOKEN='${user.token}'`,
    `JOB=$(curl -s -X POST '${respond}' ${authorization} -H 'content-type: application/json' -d '${body}'); echo "$JOB"`,
    `curl -s "${respond}/$(echo "$JOB" | sed -E 's/^."id": *"([^"]+)".*/\\1/')" ${authorization}; echo`,
    `curl -s '${recent}' -H 'apikey: ${stack.publishableKey}' ${authorization}; echo`,
  ];
}

function watchLine(stack: Stack): string {
  const recent =
    `select ${jobColumns}, left(output_text, 60) as output from response_jobs order by id desc limit 5`;
  return `psql '${stack.dbUrl}' <<< '${recent} \\watch 2'`;
}
