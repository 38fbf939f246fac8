/** The scenarios, in the order in which they are told. */
import type { Scenario } from "../scenario.ts";
import { approval } from "./approval.ts";
import { backgroundFails } from "./background_fails.ts";
import { backgroundFailsLate } from "./background_fails_late.ts";
import { backgroundHangs } from "./background_hangs.ts";
import { backgroundWorks } from "./background_works.ts";
import { deadline } from "./deadline.ts";
import { noProgress } from "./no_progress.ts";
import { outlivesWorker } from "./outlives_worker.ts";
import { rateLimited } from "./rate_limited.ts";
import { routeLearned } from "./route_learned.ts";
import { uncertainSend } from "./uncertain_send.ts";
import { webhookLost } from "./webhook_lost.ts";
import { workerKilled } from "./worker_killed.ts";

export const scenarios: readonly Scenario[] = [
  backgroundWorks,
  backgroundFails,
  backgroundFailsLate,
  backgroundHangs,
  webhookLost,
  workerKilled,
  outlivesWorker,
  uncertainSend,
  approval,
  rateLimited,
  routeLearned,
  noProgress,
  deadline,
];
