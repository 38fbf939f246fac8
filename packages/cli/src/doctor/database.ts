/** Checks what the database reports about itself. */
import { pausedStatuses } from "../../../../supabase/functions/_durable_responses/model/status.ts";
import { migrationNames, pushMigrations, type Release } from "../project/release.ts";
import { ok, skipped, type Verdict, warn, wrong } from "./finding.ts";
import type { Report } from "./report.ts";
import { count } from "../terminal/count.ts";

/** A due job is taken within seconds, and a lease is renewed every few seconds. After this time, nobody is working. */
const stuckAfterS = 60;
/** If the clocks differ by more than this, signed webhooks (300 s tolerance) are at risk. */
const skewLimitS = 60;
/** A cancel is usually confirmed at the first try. */
const manyCancels = 5;
/** A file is usually removed at the first try. */
const manyRemovals = 5;

export function checkMigrations(
  { migrations }: Report,
  release: Release,
): Verdict {
  if (migrations === null) {
    return skipped(
      "applied by other means than the Supabase CLI, which keeps the list",
    );
  }
  const missing = migrationNames(release).filter((name) => !migrations.includes(name));
  return missing.length === 0
    ? ok(
      migrationNames(release).length === 1
        ? "applied"
        : `all ${migrationNames(release).length} are applied`,
    )
    : wrong(`not applied: ${missing.join(", ")}`, pushMigrations);
}

/** @param expected the major version that the functions are written for */
export function checkSchema({ schema }: Report, expected: number): Verdict {
  const version = `version ${schema.major}.${schema.minor}`;
  return schema.major === expected ? ok(`${version}, which matches the functions`) : wrong(
    `${version}, but the functions need ${expected}: they are refused (schema_mismatch), and jobs wait`,
    schema.major < expected
      ? `${pushMigrations}, then deploy the functions`
      : "npx durable-responses@latest init, then deploy the functions",
  );
}

export function checkVault({ vault }: Report, url: string): Verdict {
  const fix = "npx durable-responses connect";
  if (vault.project_url === null || !vault.has_worker_secret) {
    const missing = [
      ...(vault.project_url === null ? ["durable_responses_project_url"] : []),
      ...(vault.has_worker_secret ? [] : ["durable_responses_worker_secret"]),
    ];
    return wrong(`Vault does not have ${missing.join(" and ")}`, fix);
  }
  return vault.project_url.replace(/\/+$/, "") === url
    ? ok("has the URL and the worker secret")
    : warn(
      `the worker is woken at ${vault.project_url}, but you gave ${url}`,
      `${fix}, unless both are this project`,
    );
}

export function checkNet({ net, extensions }: Report): Verdict {
  if (!extensions["pg_net"]) {
    return wrong(
      "pg_net is not installed",
      `dashboard > Database > Extensions, then ${pushMigrations}`,
    );
  }
  if (net.waiting > 200) {
    return wrong(
      `${net.waiting} requests wait to be sent`,
      "select net.worker_restart()",
    );
  }
  return net.failures_1h > 0
    ? warn(
      `${net.failures_1h} of ${
        count(net.answers_1h, "request")
      } of the last hour failed (from all senders). The last one: ${net.last_failure}`,
      "select * from net._http_response where status_code is null or status_code >= 400 order by created desc",
    )
    : ok(
      net.answers_1h === 0
        ? "no requests in the last hour"
        : `${count(net.answers_1h, "request")} in the last hour, none failed`,
    );
}

export function checkClock(
  { now }: Report,
  askedAt: number,
  answeredAt: number,
): Verdict {
  // The database read its clock between the request and the answer, so any time between those two counts as correct.
  const at = Date.parse(now);
  const seconds = Math.round(
    (at < askedAt ? askedAt - at : at > answeredAt ? at - answeredAt : 0) /
      1000,
  );
  return seconds <= skewLimitS
    ? ok(
      seconds === 0
        ? "the database's clock is correct"
        : `the database's clock differs by ${seconds} s`,
    )
    : warn(
      `this machine's clock and the database's differ by ${seconds} s`,
      "set this machine's clock (NTP). If it is correct, restart the database",
    );
}

export function checkJobs({ jobs, workers }: Report): Verdict {
  const stuck = [
    ...(jobs.oldest_due_s !== null && jobs.oldest_due_s > stuckAfterS
      ? [`one has been due for ${Math.round(jobs.oldest_due_s)} s`]
      : []),
    ...(jobs.lost_leases > 0 ? [`${jobs.lost_leases} lost their worker`] : []),
    ...(jobs.overdue_polls > 20
      ? [`${jobs.overdue_polls} background runs are overdue for a poll`]
      : []),
  ];
  if (stuck.length > 0) {
    return wrong(
      `${stuck.join(", ")} (${count(workers, "worker")} seen in the last 2 minutes)`,
      "fix the problems above, and the next worker takes them",
    );
  }
  const people = jobs.awaiting_approval + jobs.awaiting_tool_output + jobs.needs_review;
  return people > 0
    ? warn(
      `waiting for an approval: ${jobs.awaiting_approval}, for a review: ${jobs.needs_review}, for a tool's output: ${jobs.awaiting_tool_output}`,
      `npx durable-responses jobs list --status ${pausedStatuses.join(",")}`,
    )
    : ok(`none stuck: ${jobs.queued} queued, ${jobs.running} running`);
}

/** What was learned about jobs after they were final, and cancels that OpenAI does not confirm. */
export function checkFlags({ jobs, cancels }: Report): Verdict {
  if (jobs.flags_24h > 0) {
    return warn(
      `${jobs.flags_24h} in the last 24 hours: a call that was reported late, or a cancel that OpenAI never confirmed`,
      "select * from response_flags order by id desc",
    );
  }
  return cancels.most_tries >= manyCancels
    ? warn(
      `OpenAI has not confirmed a cancel in ${cancels.most_tries} tries; ${cancels.waiting} are pending`,
      "no action needed yet: it is repeated, and becomes a flag after 20 tries",
    )
    : ok("none in the last 24 hours");
}

/** Where images and files are that do not fit a row. */
export function checkFiles({ files }: Pick<Report, "files">): Verdict {
  if (files.bucket === null) {
    return skipped("there is no Storage: images and files of more than about 750 kB are refused");
  }
  if (files.bucket === "missing") {
    return warn(
      "there is no bucket response_files: images and files of more than about 750 kB are refused",
      "insert into storage.buckets (id, name, public) values ('response_files', 'response_files', false)",
    );
  }
  if (files.bucket === "public") {
    return wrong(
      "the bucket response_files is public: whoever knows a file's path can read it",
      "update storage.buckets set public = false where id = 'response_files'",
    );
  }
  return files.most_tries >= manyRemovals
    ? warn(
      `Storage has not removed a file in ${files.most_tries} tries; ${files.waiting} are to be removed`,
      "no action needed if Storage was away: it is repeated. Otherwise the logs of run-jobs say why",
    )
    : ok("the bucket response_files is private");
}

/** An organization that OpenAI has not verified may not stream some models. */
export function checkStreams({ unstreamed_24h }: Report): Verdict {
  return unstreamed_24h === 0 ? ok("all runs that should stream did") : warn(
    `${
      count(unstreamed_24h, "job")
    } of the last 24 hours ran without a stream, because OpenAI does not allow it for this organization: no live text, and no steps until the end`,
    "verify the organization: https://platform.openai.com/settings/organization/general",
  );
}

export function checkRoutes({ routes }: Report): Verdict {
  const paused = routes.filter(({ pause_reason }) => pause_reason !== null);
  const open = routes.filter(({ breaker }) => breaker !== "closed");
  if (paused.length > 0) {
    const [first] = paused;
    return warn(
      `${paused.length} paused, such as ${first?.route} (${first?.pause_reason})`,
      "npx durable-responses routes; check OpenAI's limits and billing",
    );
  }
  const deaf = routes.filter(({ ignores_approval }) => ignores_approval);
  if (deaf.length > 0) {
    return warn(
      `${deaf.length} made calls without the required yes, such as ${
        deaf[0]?.route
      }: its API ignores require_approval, so lost runs wait for a person`,
      "use an API that respects require_approval, or mark harmless tools in side_effects; then update response_routes set ignores_approval = false, ignores_approval_since = null",
    );
  }
  return open.length > 0
    ? warn(
      `background mode is skipped on ${count(open.length, "route")}, such as ${open[0]?.route} (${
        open[0]?.last_failure
      })`,
      "no action needed: jobs run synchronously, and background is probed from time to time",
    )
    : ok("background is tried on all routes");
}

const fixes: Record<string, string> = {
  openai_auth_failed: "npx supabase secrets set --remote OPENAI_API_KEY=sk-…",
  openai_quota_exceeded: "top up: https://platform.openai.com/settings/organization/billing",
  secret_not_set:
    "npx supabase secrets set --remote NAME=value, with the name from the job's error",
  unknown_profile: "a profile was renamed or removed: add it to profiles.ts again and deploy",
  stored_prompt: "copy the prompt's text into the profile's instructions, then deploy",
  invalid_profile: "npx durable-responses check says what is wrong; fix it, then deploy",
  review_expired: "raise review_ms in the profile, or check needs_review more often",
  approval_expired: "raise approval_ms in the profile, or check awaiting_approval more often",
  budget_exceeded: "run a worker without a wall clock: npx durable-responses worker",
};

export function checkErrors({ errors_24h }: Report): Verdict {
  const codes = Object.entries(errors_24h).sort(([, a], [, b]) => b - a);
  if (codes.length === 0) return ok("no job failed in the last 24 hours");
  const text = codes.slice(0, 4).map(([code, jobs]) => `${jobs} with ${code}`)
    .join(", ");
  const all = "npx durable-responses jobs list --status failed";
  const [code = ""] = codes[0] ?? [];
  const known = fixes[code];
  // With several codes, it must be said which one a fix is for.
  const fix = codes.length === 1 || known === undefined ? known : `for ${code}: ${known}; ${all}`;
  return warn(`jobs failed in the last 24 hours: ${text}`, fix ?? all);
}
