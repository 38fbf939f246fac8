/** The commands of `jobs`, their options and their help. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { isUuid } from "./api/job-id.ts";
import {
  type Action,
  actOnJob,
  type JobsOptions,
  listJobs,
  type ListOptions,
  showJob,
  statuses,
} from "./commands/jobs.ts";
import { connectionOf, reaching } from "./options.ts";
import type { Terminal } from "./terminal/terminal.ts";

export function addJobs(main: Command, terminal: Terminal, cwd: string): void {
  const jobs = main.command("jobs").description(
    "show jobs, and decide what needs a person",
  );
  reaching(jobs.command("list"), true)
    .description("list the newest jobs")
    .option("--status <status,…>", `one or more of ${statuses.join(", ")}`)
    .option("--profile <name>", "only jobs of this profile")
    .option("--owner <user id>", "only jobs of this user", userId)
    .option("--limit <n>", "how many at most", limit, 20)
    .action((options: Omit<ListOptions, "cwd">) => listJobs(terminal, { ...options, cwd }));
  reaching(jobs.command("show <id>"), true)
    .description("show one job: its answer or error, and what happened to it")
    .action((id: string, options: Omit<JobsOptions, "cwd">) =>
      showJob(terminal, id, { ...options, cwd })
    );

  const act = (
    name: Action,
    usage: string,
    about: string,
    body: (options: Record<string, unknown>) => Record<string, unknown>,
  ) =>
    reaching(jobs.command(usage), true).description(about)
      .action((id: string, options: Record<string, unknown>) =>
        actOnJob(terminal, name, id, body(options), {
          ...connectionOf(options),
          cwd,
        })
      );
  act(
    "retry",
    "retry <id>",
    "run a failed or cancelled job again, as a new job that continues from its ledger",
    () => ({}),
  );
  act("cancel", "cancel <id>", "stop a job", () => ({}));
  act(
    "approve",
    "approve <id>",
    "approve or reject the tool calls that a job asks for",
    ({ reject, reason, ...seen }) => ({
      approve: reject !== true,
      ...(reason !== undefined && { reason }),
      ...seenOf(seen),
    }),
  )
    .option("--reject", "say no")
    .option("--reason <text>", "the reason, which is sent to the model")
    .option("--request <id>", "which call, as `jobs show` names it; needed when several wait")
    .option("--digest <digest>", "refuse any call other than the one with this digest", digest);
  act(
    "resolve",
    "resolve <id>",
    "say whether a call in doubt was made",
    ({ outcome, output, ...seen }) => ({
      outcome,
      ...(output !== undefined && { output }),
      ...seenOf(seen),
    }),
  )
    .addOption(
      new Option("--outcome <outcome>", "whether the call was made; cancel stops the job").choices([
        "happened",
        "did_not_happen",
        "cancel",
      ]).makeOptionMandatory(),
    )
    .option("--output <text>", "the tool's answer, if the call was made")
    .option(
      "--request <id>",
      "which call, as `jobs show` names it; needed when several are in doubt",
    )
    .option("--digest <digest>", "refuse any call other than the one with this digest", digest);
}

/** The call that a decision is about, in the form that respond takes. */
function seenOf({ request, digest }: Record<string, unknown>) {
  return {
    ...(request !== undefined && { request_id: request }),
    ...(digest !== undefined && { digest }),
  };
}

function userId(text: string): string {
  if (isUuid(text)) return text;
  throw new InvalidArgumentError("It must be a user's id, which is a UUID.");
}

function limit(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value;
  throw new InvalidArgumentError("It must be a whole number from 1 to 1000.");
}

function digest(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a digest, all of it, as `jobs show` names it.");
}
