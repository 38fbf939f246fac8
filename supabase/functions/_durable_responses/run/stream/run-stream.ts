/** The stream of one attempt: what it shows, to followers here and to the database. */
import * as streams from "../../db/streams.ts";
import { type Item } from "../../model/items.ts";
import { type LeftCall, leftCallOf } from "../../model/left-calls.ts";
import type { Work } from "../../model/job.ts";
import { idsOfInput } from "../../model/request.ts";
import { keepsCallId } from "../../tools/own/call-ids.ts";
import type { RunnableTools } from "../../tools/own/runnable-tools.ts";
import { describe, log } from "../../platform/log.ts";
import { closeUnclosedItems } from "./unclosed-items.ts";
import { closeFeed, type Feed, openFeed } from "./feed.ts";
import { eventLog } from "./event-log.ts";
import { ShownRun } from "./shown-run.ts";
import type { ShownEvent } from "./shown-event.ts";

/**
 * At most this many events are shown before they are written. The next attempt starts as far above what is written
 * (open_response_stream()), so that it gives no event a number that a caller has seen.
 */
const maxUnwritten = 1_000;

/** Shows a run's events as they come. It is an extra: no failure here affects the run. */
export class RunStream {
  readonly #run: ShownRun;
  /** Not written yet, in order. */
  #unwritten: ShownEvent[] = [];
  /** The numbers up to which events are shown, and written. */
  #shown: number;
  #written: number;
  #finished = false;
  #over = false;
  #isCallers: (call: LeftCall) => boolean = () => false;
  /** The ids of calls that came before. */
  readonly #taken: Set<unknown>;

  private constructor(
    readonly work: Work,
    private readonly feed: Feed,
    private readonly onOver: () => void,
    { next, items, open }: streams.OpenedStream,
  ) {
    const asked = new Set(
      work.steps.flatMap(({ kind, answered_by, item_id }) =>
        kind === "mcp_approval_request" && answered_by !== "guard" ? [item_id] : []
      ),
    );
    this.#taken = new Set(
      [...work.steps.map(({ item }) => item), ...work.open_calls.map(({ item }) => item)]
        .map((item) => item?.["call_id"]),
    );
    this.#shown = next;
    this.#written = next;
    feed.begin(next);
    this.#run = new ShownRun({
      jobId: work.id,
      next,
      items,
      showsApproval: (requestId) => asked.has(requestId),
      handsOut: (call) => {
        const left = leftCallOf(call);
        // A call that gets an id of ours is shown when the job waits for its output.
        if (left === undefined || !keepsCallId(left.callId, this.#taken)) return false;
        this.#taken.add(left.callId);
        return this.#isCallers(left);
      },
      emit: (event) => this.#emit(event),
    });
    for (const event of closeUnclosedItems(open)) this.#run.emit(event);
  }

  /**
   * Opens a job's stream for an attempt.
   * @param isNew it was opened with the lease, and is empty
   * @param onOver called if the attempt has ended, for example because the job was cancelled
   * @returns undefined if the stream cannot be opened: the run is then shown only when it has ended
   */
  static async open(
    work: Work,
    isNew: boolean,
    onOver: () => void,
  ): Promise<RunStream | undefined> {
    const feed = openFeed(work.id);
    if (isNew) return new RunStream(work, feed, onOver, { next: 2, items: 0, open: null });
    try {
      const opened = await streams.open(work);
      if (opened) return new RunStream(work, feed, onOver, opened);
    } catch (error) {
      log.warn("cannot open the stream; the run is shown when it has ended", {
        job_id: work.id,
        error: describe(error),
      });
    }
    closeFeed(work.id, feed);
    return undefined;
  }

  /** Shows the calls of these tools as they are written, because the caller makes them. */
  handOut({ isCallers, body }: Pick<RunnableTools, "isCallers" | "body">): void {
    this.#isCallers = isCallers;
    for (const id of idsOfInput(body)) this.#taken.add(id);
  }

  /** A delta as it came, unparsed. */
  readonly addDelta = (block: string): void => {
    if (!this.#over) this.#run.takeDelta(block);
  };

  /** Any other event. */
  readonly addEvent = (event: unknown): void => {
    if (!this.#over) this.#run.take(event);
  };

  /** An item that is not from OpenAI: a call that we made. */
  readonly addItem = (item: Item): void => {
    if (!this.#over) this.#run.take({ type: "response.output_item.done", item });
  };

  /** Another request of the run starts: what an earlier one left open will not end. */
  readonly endItems = (): void => {
    if (!this.#over) this.#run.endAll();
  };

  /**
   * Closes what is open, except calls for the caller, and resolves when everything is written, or cannot be written now.
   * @param isLost another attempt may have the job: it closes what this one has left open
   */
  async finish(isLost: boolean): Promise<void> {
    this.#finished = true;
    if (!isLost && !this.#over) this.#run.endAll(true);
    await eventLog.finish(this);
  }

  /** Nothing more comes from this attempt. */
  close(): void {
    this.#over = true;
    eventLog.remove(this);
    closeFeed(this.work.id, this.feed);
  }

  /** Whether there is something to write. */
  get waits(): boolean {
    return this.#unwritten.length > 0 && !this.#over;
  }

  take(): streams.Batch | undefined {
    const first = this.#unwritten[0];
    if (first === undefined || this.#over) return undefined;
    return {
      id: this.work.id,
      attempt: this.work.attempt,
      first: first.number,
      next: this.#run.next,
      items: this.#run.items,
      open_from: this.#run.openFrom,
      events: this.#unwritten.map(({ json }) => json).join("\n"),
    };
  }

  /** A batch was written. */
  onWritten({ first, next }: streams.Batch, runs: boolean): void {
    if (!runs && !this.#finished) this.onOver();
    this.#written = next;
    this.#show();
    this.#unwritten.splice(0, next - first);
  }

  /** The attempt has ended: another one has the job's stream. */
  onRefused(): void {
    this.#over = true;
    this.#unwritten = [];
  }

  #emit(event: ShownEvent): void {
    this.#unwritten.push(event);
    this.#show();
    eventLog.schedule(this);
  }

  #show(): void {
    const end = Math.min(this.#run.next, this.#written + maxUnwritten);
    const first = this.#unwritten[0]?.number ?? end;
    for (; this.#shown < end; this.#shown++) {
      const event = this.#unwritten[this.#shown - first];
      if (event !== undefined) this.feed.push(event);
    }
  }
}
