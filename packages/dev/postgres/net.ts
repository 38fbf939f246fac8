/**
 * Sends what pg_net has queued, as its background worker does: after commit, at most 200 requests per batch, all of a
 * batch at once and in one transaction (so a worker that dies sends them again), the next batch when the slowest is done.
 */
import type { Sql, TransactionSql } from "postgres";
import type { Cluster } from "./cluster.ts";
import { type NetRequest, type NetResponse, sendRequest } from "./net-request.ts";
import { Pool } from "./pool.ts";

export type { NetRequest } from "./net-request.ts";

/** What becomes of a request: sent, lost without a trace, or sent twice. */
export type NetFault = "send" | "drop" | "double";

export interface NetOptions {
  /** Whose queue to read; "postgres" by default. */
  database?: string;
  /** Gets one line per failed request or failed look. */
  onLog?: (line: string) => void;
}

export interface Net {
  /**
   * Resolves when every request that was committed before the call is answered, or has failed; sends even when paused.
   * Throws if the database cannot be reached.
   */
  flush(): Promise<void>;
  faults: { set(fault: (request: NetRequest) => NetFault): void; clear(): void };
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

const batchSize = 200;
const pollMs = 1000;

/** Starts the worker. pg_net need not be installed yet. */
export async function startNet(cluster: Cluster, options: NetOptions = {}): Promise<Net> {
  const log = options.onLog ?? (() => {});
  const connect = () =>
    cluster.connect("supabase_admin", options.database ?? "postgres", { max: 1 });
  const listening = connect();
  const sending = new Pool(connect);
  const client = Deno.createHttpClient({});
  let fault: (request: NetRequest) => NetFault = () => "send";
  let paused = false;
  let work: Promise<void> = Promise.resolve();
  let waiting = false;

  // One drain at a time; a wake during a drain starts one more after it. Whoever asked for a drain is told of its
  // failure by its own promise; the next one only waits for it to be over.
  const drain = (): Promise<void> => {
    const next = Promise.allSettled([work]).then(async () => {
      waiting = false;
      const send = (sql: Sql) => sendBatch(sql, client, (request) => fault(request), log);
      while (await sending.use(send) > 0);
    });
    work = next;
    return next;
  };
  const wake = () => {
    if (paused || waiting) return;
    waiting = true;
    // A server that is down or restarting is looked for again at the next poll.
    drain().catch((error) => log(`pg_net: ${error instanceof Error ? error.message : error}`));
  };

  const listener = await listening.listen("pg_net", wake, wake);
  // For what a notification does not reach: the listening connection may just be reconnecting.
  const clock = setInterval(wake, pollMs);

  return {
    flush: drain,
    faults: {
      set: (chosen) => void (fault = chosen),
      clear: () => void (fault = () => "send"),
    },
    pause: () => void (paused = true),
    resume() {
      paused = false;
      wake();
    },
    async stop() {
      clearInterval(clock);
      paused = true;
      // The database may be gone already: then there is nothing left to wait for or to give back.
      for (const end of [() => work, () => listener.unlisten()]) {
        await end().catch((error: unknown) => log(`pg_net, stopping: ${error}`));
      }
      await listening.end({ timeout: 1 });
      await sending.end();
      client.close();
    },
  };
}

/** Sends one batch and stores the answers; returns how many requests it took from the queue. */
async function sendBatch(
  sql: Sql,
  client: Deno.HttpClient,
  fault: (request: NetRequest) => NetFault,
  log: (line: string) => void,
): Promise<number> {
  const [installed] = await sql`select to_regclass('net.http_request_queue') is not null as yes`;
  if (installed?.["yes"] !== true) return 0;
  return await sql.begin(async (transaction) => {
    const requests = await transaction<NetRequest[]>`
      delete from net.http_request_queue
      where id in (select id from net.http_request_queue order by id limit ${batchSize})
      returning id::text, method::text, url, headers, convert_from(body, 'UTF8') as body,
        timeout_milliseconds as "timeoutMs"
    `;
    const answers = await Promise.all(
      requests.map(async (request) => {
        const decision = fault(request);
        if (decision === "drop") return [];
        const times = decision === "double" ? [1, 2] : [1];
        const sent = await Promise.all(times.map(() => sendRequest(client, request)));
        // One request has one response row, however often it arrived.
        return sent.slice(0, 1);
      }),
    );
    const responses = answers.flat();
    for (const { id, error_msg } of responses) {
      if (error_msg !== null) log(`pg_net: request ${id}: ${error_msg}`);
    }
    if (responses.length > 0) await storeResponses(transaction, responses);
    return requests.length;
  });
}

async function storeResponses(sql: TransactionSql, responses: NetResponse[]): Promise<void> {
  await sql`
    insert into net._http_response (id, status_code, content_type, headers, content, timed_out, error_msg)
    select * from jsonb_to_recordset(${sql.json(responses)}) as answer (
      id bigint, status_code int, content_type text, headers jsonb, content text, timed_out bool, error_msg text
    )
  `;
  // pg_net.ttl, six hours by default.
  await sql`delete from net._http_response where created < now() - interval '6 hours'`;
}
