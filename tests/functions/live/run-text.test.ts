/** The text of one run: what is kept, and what watchers are sent. */
import assert from "node:assert/strict";
import { rememberCredential } from "../../../supabase/functions/_durable_responses/platform/redact.ts";
import {
  RunText,
  type TextMessage,
} from "../../../supabase/functions/_durable_responses/run/live/run-text.ts";

const fence = { id: "job", attempt: 3 };
const delta = (text: string) =>
  `event: response.output_text.delta\ndata: ${JSON.stringify({ type: "x", delta: text })}\n`;
const sent = (messages: TextMessage[]) => messages.map(({ offset, delta }) => [offset, delta]);

Deno.test("nothing is sent while nobody watches; who comes is sent all of it", () => {
  const run = new RunText(fence);
  for (const text of ["Hel", "lo"]) run.add(delta(text));
  assert.deepEqual(run.take(), []);
  run.setWatch("until 1");
  assert.deepEqual(run.take(), [
    { job_id: "job", attempt: 3, seq: 1, offset: 0, delta: "Hello" },
  ]);
});

Deno.test("then only what is new is sent, and nothing when nothing is", () => {
  const run = new RunText(fence);
  run.setWatch("until 1");
  run.add(delta("Hello"));
  run.take();
  run.setWatch("until 1");
  assert.deepEqual(run.take(), []);
  run.add(delta(", "));
  run.add(delta("you"));
  assert.deepEqual(sent(run.take()), [[5, ", you"]]);
});

Deno.test("a new sign of life brings all of the text again: somebody may have missed some", () => {
  const run = new RunText(fence);
  run.setWatch("until 1");
  run.add(delta("Hello"));
  run.take();
  run.setWatch("until 2");
  assert.deepEqual(sent(run.take()), [[0, "Hello"]]);
});

Deno.test("what did not arrive is sent again", () => {
  const run = new RunText(fence);
  run.setWatch("until 1");
  run.add(delta("Hello"));
  run.take();
  run.sendAgain();
  run.add(delta("!"));
  assert.deepEqual(sent(run.take()), [[0, "Hello!"]]);
});

Deno.test("nothing more is sent when the watch has ended", () => {
  const run = new RunText(fence);
  run.setWatch("until 1");
  run.add(delta("Hello"));
  run.take();
  run.setWatch(undefined);
  run.add(delta("!"));
  assert.deepEqual(run.take(), []);
});

Deno.test("a long text comes in parts that Realtime takes", () => {
  const run = new RunText(fence);
  run.add(delta("a".repeat(120_000)));
  run.setWatch("until 1");
  const messages = run.take();
  assert.deepEqual(messages.map(({ seq, offset, delta }) => [seq, offset, delta.length]), [
    [1, 0, 50_000],
    [2, 50_000, 50_000],
    [3, 100_000, 20_000],
  ]);
});

Deno.test("a text that nobody watches is not kept beyond a megabyte", () => {
  const run = new RunText(fence);
  for (let n = 0; n < 3; n++) run.add(delta("a".repeat(400_000)));
  run.setWatch("until 1");
  assert.deepEqual(run.take(), []);
});

Deno.test("a delta that cannot be read is left out", () => {
  const run = new RunText(fence);
  run.setWatch("until 1");
  for (const block of [delta("a"), "event: x\ndata: {nonsense\n", "event: x\ndata: {}\n", ""]) {
    run.add(block);
  }
  run.add(delta("b"));
  assert.deepEqual(sent(run.take()), [[0, "ab"]]);
});

/** The text that watchers have got, if messages are taken after each piece. */
function shown(pieces: string[]): string {
  const run = new RunText(fence);
  run.setWatch("until 1");
  return pieces.map((piece) => {
    run.add(delta(piece));
    return sent(run.take()).map(([, text]) => text).join("");
  }).join("");
}

Deno.test("a credential is masked wherever its text is cut into deltas", () => {
  const secret = "planted-in-live-text";
  rememberCredential(secret);
  const text = `It is ${secret}, you know; ${secret.slice(0, 7)} is not.`;
  const masked = text.replace(secret, "***");
  for (let one = 0; one <= text.length; one++) {
    for (const two of [one, one + 1, one + 5, text.length]) {
      const pieces = [text.slice(0, one), text.slice(one, two), text.slice(two)];
      assert.equal(shown(pieces), masked, JSON.stringify(pieces));
    }
  }
  assert.equal(shown([...text]), masked);
});

Deno.test("only what may be a credential's beginning waits, and no longer than it may be", () => {
  rememberCredential("waits-until-clear");
  assert.equal(shown(["I say: waits-un"]), "I say: ");
  assert.equal(shown(["I say: waits-un", "known"]), "I say: waits-unknown");
});

Deno.test("a credential that begins with another one, or overlaps with itself, is masked to its end", () => {
  rememberCredential("short-one");
  rememberCredential("short-one-and-long");
  rememberCredential("ababab");
  for (const text of ["short-one-and-long.", "short-one.", "abababab.", "ababab ababab."]) {
    const pieces = [...text];
    assert.doesNotMatch(shown(pieces), /short-one|ababab|and-long/);
    assert.equal(shown(pieces), shown([text]));
  }
});

Deno.test("an emoji that comes in two deltas, in two batches, is sent whole", () => {
  const run = new RunText(fence);
  run.setWatch("until 1");
  const [high, low] = ["\ud83d", "\ude00"];
  run.add(`event: response.output_text.delta\ndata: {"delta":"hi \\ud83d"}\n`);
  assert.deepEqual(sent(run.take()), [[0, "hi "]]);
  run.add(`event: response.output_text.delta\ndata: {"delta":"\\ude00 there"}\n`);
  assert.deepEqual(sent(run.take()), [[3, `${high}${low} there`]]);
});

Deno.test("no message ends or begins in the middle of an emoji, wherever it stands", () => {
  for (const before of [49_998, 49_999, 50_000]) {
    const text = `${"a".repeat(before)}😀${"b".repeat(60_000)}`;
    const run = new RunText(fence);
    run.setWatch("until 1");
    run.add(delta(text));
    const messages = run.take();
    assert.ok(messages.every(({ delta }) => delta.isWellFormed() && delta.length <= 50_000));
    assert.equal(messages.map(({ delta }) => delta).join(""), text);
  }
});

// The text continues past what may begin a credential, which is held back anyway.
Deno.test("half a pair that never becomes whole is sent as a sign of its length", () => {
  const run = new RunText(fence);
  run.setWatch("until 1");
  run.add(`event: response.output_text.delta\ndata: {"delta":"a\\ude00b\\ud83dc! "}\n`);
  assert.deepEqual(sent(run.take()), [[0, "a\ufffdb\ufffdc! "]]);
});
