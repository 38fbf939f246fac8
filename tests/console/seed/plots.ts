/** The stories of jobs, and how often each happens. */
import type { Random } from "./random.ts";
import type { Rows } from "./rows.ts";
import { iso, type Query, Story } from "./story.ts";
import { failures, mailWords, plainAnswers, plainQueries, triageQueries } from "./words.ts";

export interface Scene {
  random: Random;
  ownerId: string | null;
  /** When the job is accepted, in ms since 1970. */
  at: number;
  /** When the story must be over, in ms since 1970. */
  now: number;
}

export type Plot = (scene: Scene) => Rows;

const server = "mailbox";
const fieldError = [
  "openai_server_error",
  "Cannot finish in background: An error occurred while processing your request. You can retry your request (wfr_019a2b77)",
] as const;

function mail({ random, ownerId, at }: Scene): Story {
  const [text] = random.pick(mailWords);
  const query: Query = { profile: "mail", model: "gpt-6.1-sol", servers: [server], text };
  return new Story(random, query, ownerId, at);
}

function answerOf({ text }: Story): string {
  return mailWords.find(([query]) => query === text)?.[1] ?? "";
}

function plain({ random, ownerId, at }: Scene): Story {
  const text = random.pick(plainQueries);
  const query: Query = { profile: "default", model: "gpt-6.1-terra", servers: [], text };
  return new Story(random, query, ownerId, at);
}

function backgroundFails(story: Story, random: Random): Story {
  return story.start("background").wait(random.between(2_000, 21_000)).end("failed", fieldError)
    .wait(random.between(150, 2_500));
}

function findMail(story: Story, random: Random): Story {
  return story.listTools(server, random.between(180, 700)).think(random.between(400, 2_500)).call({
    server,
    tool: "gmail_find_email",
    effect: "none",
    ms: random.between(300, 1_900),
    arguments: { query: "from:halden invoice", newest_first: true, limit: 5 },
    output: JSON.stringify([
      {
        message_id: "m-2231",
        thread_id: "t-118",
        from: "billing@halden.example",
        subject: "Invoice 2231, second reminder",
        date: "2026-11-09T08:14:00Z",
      },
      {
        message_id: "m-2187",
        thread_id: "t-118",
        from: "billing@halden.example",
        subject: "Invoice 2231",
        date: "2026-10-26T10:02:00Z",
      },
    ]),
  });
}

const reply = {
  server,
  tool: "gmail_reply_to_email",
  effect: "once",
  arguments: {
    message_id: "m-2231",
    body:
      "Dear Halden team,\n\nthank you for the reminder. The invoice will be paid on Friday.\n\nKind regards",
  },
} as const;

function sendReply(story: Story, random: Random): Story {
  const output = JSON.stringify({ message_id: "m-2240", thread_id: "t-118", status: "sent" });
  return story.think(random.between(300, 1_500))
    .call({ ...reply, output, ms: random.between(500, 2_800) });
}

export const fellBack: Plot = (scene) => {
  const { random } = scene;
  const story = backgroundFails(mail(scene), random).start("synchronous");
  return sendReply(findMail(story, random), random).message(random.between(600, 2_200))
    .end("completed").completed(answerOf(story));
};

export const backgroundWorked: Plot = (scene) =>
  plain(scene).start("background").wait(scene.random.between(2_000, 24_000))
    .message(0).end("completed").completed(scene.random.pick(plainAnswers));

export const triaged: Plot = (scene) => {
  const { random, ownerId, at } = scene;
  const text = random.pick(triageQueries);
  const query: Query = { profile: "triage", model: "gpt-6.1-terra", servers: [], text };
  const topic = random.pick(["billing", "support", "sales", "other"]);
  const parsed = { topic, urgent: random.next() < 0.3, summary: text };
  return new Story(random, query, ownerId, at).start("background")
    .wait(random.between(900, 6_000)).message(0).end("completed")
    .completed(JSON.stringify(parsed), parsed);
};

export const handedOver: Plot = (scene) => {
  const { random } = scene;
  const story = backgroundFails(mail(scene), random).start("synchronous");
  findMail(story, random).think(random.between(30_000, 70_000)).end("handed_over")
    .wait(random.between(80, 900)).start("synchronous");
  findMail(story, random).think(random.between(20_000, 60_000)).end("handed_over")
    .wait(random.between(80, 900)).start("synchronous");
  return sendReply(story, random).message(1_800).end("completed")
    .completed(answerOf(story));
};

export const retried: Plot = (scene) => {
  const { random } = scene;
  const limited = [
    "openai_rate_limited",
    "Cannot run now: OpenAI answered 429, try again in 20 s",
  ] as const;
  const story = backgroundFails(mail(scene), random)
    .start("synchronous").wait(random.between(400, 1_200)).end("failed", limited)
    .wait(random.between(18_000, 26_000)).start("synchronous");
  return sendReply(findMail(story, random), random).message(1_200).end("completed")
    .completed(answerOf(story));
};

export const approved: Plot = (scene) => {
  const { random, ownerId } = scene;
  const story = backgroundFails(mail(scene), random).start("synchronous");
  findMail(story, random).askForApproval(server, reply.tool, reply.arguments, "yes").end(
    "suspended",
  )
    .answer(random.between(60_000, 5_400_000), true, ownerId ?? "service")
    .wait(random.between(200, 2_000)).start("synchronous");
  return sendReply(story, random).message(1_500).end("completed")
    .completed(answerOf(story));
};

export const failedForGood: Plot = (scene) => {
  const { random } = scene;
  const failure = random.pick(failures);
  const story = backgroundFails(mail(scene), random).start("synchronous");
  return story.listTools(server, random.between(200, 900)).wait(random.between(500, 9_000))
    .end("failed", failure).failed(failure);
};

export const cancelled: Plot = (scene) =>
  backgroundFails(mail(scene), scene.random).start("synchronous").wait(2_400)
    .end("cancelled").cancelled();

export const waitsForApproval: Plot = (scene) => {
  const story = backgroundFails(mail(scene), scene.random).start("synchronous");
  findMail(story, scene.random).askForApproval(server, reply.tool, reply.arguments).end(
    "suspended",
  );
  return story.left("awaiting_approval", { answer_until: iso(scene.now + 6 * 86_400_000) });
};

export const needsReview: Plot = (scene) => {
  const story = backgroundFails(mail(scene), scene.random).start("synchronous");
  findMail(story, scene.random).call({ ...reply, status: "uncertain", ms: 0 }).wait(31_000)
    .end("suspended", [
      "worker_lost",
      "Cannot finish attempt 2: worker edge-417 stopped renewing its lease",
    ]);
  return story.left("needs_review", {
    answer_until: iso(scene.now + 29 * 86_400_000),
    review_reason:
      "The call of gmail_reply_to_email at mailbox was in flight when attempt 2 ended: it may or may not have happened",
  });
};

export const queued: Plot = (scene) =>
  backgroundFails(mail(scene), scene.random)
    .left("queued", { run_at: iso(scene.now + 3_600_000), ready: false });

export const running: Plot = (scene) =>
  findMail(backgroundFails(mail(scene), scene.random).start("synchronous"), scene.random)
    .left("running", { leased_by: "edge-611", leased_until: iso(scene.now + 3_600_000) });

export const inBackground: Plot = (scene) =>
  plain(scene).start("background").left("background", {
    poll_at: iso(scene.now + 3_600_000),
    background_until: iso(scene.now + 7_200_000),
    response_id: "resp_00000000000000000000000000000000".replace(
      /0{12}$/,
      scene.random.uuid().slice(-12),
    ),
  });

/** Plots of finished jobs, with the share of each in percent. */
export const finishedPlots: readonly (readonly [number, Plot])[] = [
  ...[[43, fellBack], [17, backgroundWorked], [16, triaged], [7, handedOver]] as const,
  ...[[6, retried], [4, approved], [5, failedForGood], [2, cancelled]] as const,
];

/** Plots of the newest jobs, with their age in minutes, so that every state is shown. */
export const open: readonly (readonly [number, Plot])[] = [
  ...[[0.3, inBackground], [0.5, running], [1.4, queued], [4, waitsForApproval]] as const,
  ...[[9, needsReview], [26, waitsForApproval], [41, queued], [95, needsReview]] as const,
];
