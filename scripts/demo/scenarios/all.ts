/** The scenarios, in order. */
import type { Scenario } from "../scenario.ts";
import { approval } from "./approval.ts";
import { argumentApproval } from "./argument-approval.ts";
import { backgroundFails } from "./background-fails.ts";
import { backgroundFailsLate } from "./background-fails-late.ts";
import { backgroundHangs } from "./background-hangs.ts";
import { backgroundWorks } from "./background-works.ts";
import { bridge } from "./bridge.ts";
import { callerTool } from "./caller-tool.ts";
import { deadline } from "./deadline.ts";
import { functionTool } from "./function-tool.ts";
import { noProgress } from "./no-progress.ts";
import { outlivesWorker } from "./outlives-worker.ts";
import { rateLimited } from "./rate-limited.ts";
import { routeLearned } from "./route-learned.ts";
import { sqlTool } from "./sql-tool.ts";
import { uncertainSend } from "./uncertain-send.ts";
import { webhookLost } from "./webhook-lost.ts";
import { workerKilled } from "./worker-killed.ts";

export const scenarios: readonly Scenario[] = [
  backgroundWorks,
  bridge,
  backgroundFails,
  backgroundFailsLate,
  backgroundHangs,
  webhookLost,
  workerKilled,
  outlivesWorker,
  uncertainSend,
  approval,
  functionTool,
  sqlTool,
  argumentApproval,
  callerTool,
  rateLimited,
  routeLearned,
  noProgress,
  deadline,
];
