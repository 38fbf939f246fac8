/**
 * Answers to what a response asks: a person's, and outputs of calls that the caller makes. Whatever answers a request contains,
 * they are given in one call of the database: all are accepted, or none. Loaded on first use, because cold start counts.
 */
import { type Answer, answerJob } from "../../db/answers.ts";
import type { SentFile } from "../../files/take-files.ts";
import { wakeWorker } from "../../jobs/wake.ts";
import { type Caller, type Visibility, visibilityOf } from "../../model/caller.ts";
import { responseIdOf } from "../../model/ids.ts";
import type { Job } from "../../model/job.ts";
import { RequestError } from "../../platform/errors.ts";
import { describe, log } from "../../platform/log.ts";
import { waitUntil } from "../../platform/runtime.ts";
import type { Profiles } from "../../profiles/profile.ts";
import type { AnswerItems } from "./answer-items.ts";
import { approvalsOf } from "./approvals.ts";
import { refuseMessages } from "./beside-answers.ts";
import type { CreateBody } from "./create-body.ts";
import type { ResponseRecord } from "./record.ts";
import { Refusal } from "./refusal.ts";
import { refusalOfAnswers } from "./refused-answers.ts";
import { refuseOtherSettings } from "./same-settings.ts";
import { outputOf, paramOf } from "./tool-outputs.ts";
import { whatIsAnswered } from "./what-is-answered.ts";

/** How long after answers without an answer they are sent again, in ms. */
const repeatMs = 250;

/** An answer as the database takes it, and the field of the input that it came from. */
interface Given {
  at: number;
  param: string;
  answer: Answer;
}

/**
 * Gives the answers to the job that waits for them. The same job continues, so the response keeps its id. The same answers
 * again, such as a library's own repeat, count as those that were accepted.
 * @returns the job, and the step of the last question that was answered; undefined if the request answers nothing that a job of the caller's has asked
 * @throws Refusal with `param`: then none was accepted
 */
export async function giveAnswers(
  profiles: Profiles,
  { body, files }: { body: CreateBody; files: SentFile[] },
  items: AnswerItems,
  caller: Caller,
): Promise<{ job: Job; answered: number } | undefined> {
  const who = visibilityOf(caller);
  const answered = await whatIsAnswered(body, items, who);
  if (!answered) return undefined;
  const { record, approvals, outputs } = answered;
  await refuseMessages(body, answered, who);
  await refuseOtherSettings(profiles, body, record, caller);
  const given: Given[] = [
    ...approvalsOf(approvals, body, record),
    ...outputs.map((output) => ({
      at: output.at,
      param: paramOf(output),
      answer: outputOf(output),
    })),
  ].sort((a, b) => a.at - b.at);
  if (files.length > 0) await (await import("../../files/store-files.ts")).storeFiles(files);
  const job = await give(record.id, who, given);
  if (job.status === "queued") waitUntil(wakeWorker("openai-api"));
  return { job, answered: lastQuestion(answered.record, given) };
}

/** A repeat is about the same question, whatever the job asked later. */
function lastQuestion({ waiting, handed_out: handedOut }: ResponseRecord, given: Given[]): number {
  const numbers = given.map(({ answer }) =>
    "callId" in answer
      ? [...waiting ?? [], ...handedOut].find(({ call_id }) => call_id === answer.callId)?.number
      : answer.number
  );
  return Math.max(...numbers.map((number) => number ?? 0));
}

/** If no answer comes, they are given once more: what was accepted is accepted again without effect. */
async function give(id: string, who: Visibility, given: Given[]): Promise<Job> {
  const answers = given.map(({ answer }) => answer);
  for (let isRepeat = false;; isRepeat = true) {
    try {
      return await answerJob(id, who, answers);
    } catch (error) {
      if (error instanceof RequestError && !error.unanswered) {
        throw await refusalOfAnswers(error, id, who, given.map(({ param }) => param));
      }
      if (isRepeat) throw unknownAcceptance(id, error);
      log.warn("nothing came back for answers to a job; sending them once more", {
        job_id: id,
        error: describe(error),
      });
    }
    await new Promise((resolve) => setTimeout(resolve, repeatMs));
  }
}

function unknownAcceptance(id: string, cause: unknown): Refusal {
  return new Refusal(
    503,
    `Cannot tell whether the answers to response ${
      responseIdOf(id)
    } were accepted: the database did not answer. Send the same answers again: each is accepted once`,
    {
      code: "acceptance_unknown",
      responseId: responseIdOf(id),
      retry: true,
      retryAfterS: 5,
      cause,
    },
  );
}
