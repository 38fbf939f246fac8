/** The guard before a call that must not be made twice. */
import type { Failure } from "../model/failure.ts";
import { callSchema, isApprovalRequest, type Item } from "../model/items.ts";
import type { InputItem, RequestBody } from "../model/request.ts";
import type { DoneStep, Work } from "../model/job.ts";
import type { ApprovalAnswer } from "../model/step.ts";
import type { UpstreamResponse } from "../model/upstream-response.ts";
import { makeFailure } from "../platform/make-failure.ts";
import type { ApproveWhen } from "../profiles/profile.ts";
import { askBeforeOnce, asksPerson } from "./approval-rules.ts";
import { type ApprovedCall, ownRequestId, stepIdOf } from "./approved-calls.ts";
import { isAskedAbout } from "./conditions.ts";
import type { EffectRules } from "./effect-rules.ts";
import { doneCalls, pendingApprovals } from "./ledger.ts";
import { callKey } from "./step-of-item.ts";

/** By the request, because two of a response may have the same id. */
export type Answers = ReadonlyMap<Item, ApprovalAnswer>;

/** What to do about a response's requests for approval. */
export type Decision =
  /** There are none, or a person must be asked about those without an answer here. */
  | { kind: "stop"; answers: Answers; repeats: string[] }
  /** They are answered: yes, or no to calls that were made before. */
  | { kind: "answer"; answers: Answers; repeats: string[] }
  /** The model asks again for a call although it was told that the call has finished: a person decides. */
  | { kind: "review"; failure: Failure };

/** Identifies the reminder. */
export const reminderHead = "An earlier run of this task has made this very call, and it is done.";
/** How much of a step's output the reminder contains, in characters. */
const reminderChars = 2_000;

/**
 * Guards every call that must not be made twice: OpenAI asks before it makes one, and the yes is sent after the ledger has
 * the call as started. Otherwise a worker could die between the call and its row, and the next run would make the call
 * again. A call that an earlier run has made is refused here before it is made again.
 */
export class ToolCallGuard {
  readonly #done: Map<string, DoneStep>;
  readonly #reminded: Set<string>;
  readonly #guarding: boolean;

  /**
   * @param body the request as the profile makes it, with the approvals that it wants from a person
   * @param wanted whether the job's profile wants such runs guarded
   * @param when functions that decide, from a call's arguments, whether a person is asked: OpenAI must stop before such a
   *   call, and if it does so for some, it does for all
   */
  constructor(
    private readonly work: Pick<Work, "steps" | "on_uncertain" | "run_since">,
    private readonly body: RequestBody,
    private readonly effects: EffectRules,
    wanted: boolean,
    private readonly when: ApproveWhen = {},
  ) {
    // A profile that accepts a second call rather than a question needs no extra requests.
    this.#guarding = wanted && work.on_uncertain === "review" || Object.keys(when).length > 0;
    // The model knows what it did in this run, and may want to do it again.
    this.#done = doneCalls(work.steps.filter(({ attempt }) => attempt < work.run_since));
    this.#reminded = new Set(
      work.steps.filter(isRefusal).map(({ server_label, tool, arguments: args }) =>
        callKey(server_label ?? "", tool ?? "", args ?? "")
      ),
    );
  }

  /** The request as it is sent: OpenAI must ask before each call that must not be made twice. */
  guard(body: RequestBody): RequestBody {
    return this.#guarding ? askBeforeOnce(body, this.effects, this.when) : body;
  }

  /** Whether OpenAI was told to ask before a call that must not be made twice. */
  mustAsk(server: string, tool: string): boolean {
    return this.effects.effectOf(server, tool) === "once" &&
      asksPerson(this.guard(this.body), server, tool, this.effects);
  }

  /** Calls that an earlier run asked for and got a yes to, and that nobody has made yet, as they are in the ledger. */
  approvedBefore(): ApprovedCall[] {
    return this.callsOf(pendingApprovals(this.work.steps));
  }

  /** The calls that a request tells OpenAI to make, and that must be in the ledger first: those of each yes that it has. */
  callsOf(yeses: DoneStep[]): ApprovedCall[] {
    return yeses.flatMap((step) => {
      if (step.item === null) return [];
      // A question that is not in the ledger is between us and OpenAI: the run itself has asked and answered it.
      const call = this.#callOf(step.item, !this.work.steps.includes(step), step.number);
      // A call that may be made twice need not be in the ledger before it is made.
      return call.effect === "once" ? [call] : [];
    });
  }

  /** Decides about the requests for approval with which a response stopped. */
  async decide(response: UpstreamResponse): Promise<Decision> {
    const requests = response.output.filter(isApprovalRequest);
    const calls = requests.map((item) => this.#callOf(item, true));
    const answers = new Map<Item, ApprovalAnswer>();
    const repeats: string[] = [];
    if (!this.#guarding || response.status !== "completed" || calls.length === 0) {
      return { kind: "stop", answers, repeats };
    }
    // All at once, so that several late conditions cost the time of one.
    const forPerson = await Promise.all(calls.map((call) => this.#asksPerson(call)));
    for (const [at, request] of requests.entries()) {
      const call = calls[at];
      if (call === undefined || forPerson[at]) continue;
      const before = call.effect === "once" ? this.#done.get(call.key) : undefined;
      if (before === undefined) {
        answers.set(request, { approve: true });
        continue;
      }
      const what =
        `${call.tool} at ${call.server} with the same arguments as step ${before.number}`;
      if (this.#reminded.has(call.key)) {
        return {
          kind: "review",
          failure: repeatedCall(what),
        };
      }
      this.#reminded.add(call.key);
      repeats.push(
        `The model asked for ${what}, which has finished: it got the earlier output, and nothing was called`,
      );
      answers.set(request, { approve: false, reason: reminder(before) });
    }
    return { kind: forPerson.includes(true) ? "stop" : "answer", answers, repeats };
  }

  async #asksPerson({ server, tool, arguments: args }: ApprovedCall): Promise<boolean> {
    return await isAskedAbout(this.when, server, tool, args) ??
      asksPerson(this.body, server, tool, this.effects);
  }

  #callOf(item: Item | InputItem, ours: boolean, number = 0): ApprovedCall {
    const { server_label: server, name: tool, arguments: args } = callSchema.parse(item);
    const approvalId = String(item["id"]);
    return {
      stepId: stepIdOf(approvalId),
      approvalId,
      sentAs: ownRequestId({ number }),
      server,
      tool,
      arguments: args,
      key: callKey(server, tool, args),
      effect: this.effects.effectOf(server, tool),
      ours,
    };
  }
}

/** A refusal of ours. */
function isRefusal({ kind, answered_by, answer }: DoneStep): boolean {
  return kind === "mcp_approval_request" && answered_by === "guard" &&
    answer?.["approve"] === false;
}

/** For a model that was told that a call is done, and asks for it again. */
export function repeatedCall(what: string): Failure {
  return makeFailure(
    "repeated_call",
    `Cannot continue: the model insists on ${what}, which has finished; it was not called again`,
  );
}

/** The answer to a model that asks for a call that was already made. */
export function reminder({ output }: Pick<DoneStep, "output">): string {
  return `${reminderHead} Its output was: ${(output ?? "").slice(0, reminderChars)}`;
}
