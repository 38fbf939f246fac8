/** Storage in a whole stack: from an Edge Function, for OpenAI, and kept from one run to the next. */
import { createClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fastTimings, type Stack, startStack } from "../../packages/dev/stack.ts";
import { projectForFile } from "./support/project.ts";

const theProject = projectForFile();
const png = crypto.getRandomValues(new Uint8Array(2000));

Deno.test("a function stores a photo as its caller, and gives a URL of it", async () => {
  const project = theProject();
  await project.database.owner.unsafe(`
    insert into storage.buckets (id, name) values ('photos', 'photos');
    create policy "own photos" on storage.objects for all to authenticated
      using (bucket_id = 'photos' and owner_id = (select auth.uid())::text);`);
  const { token } = await project.auth.createUser();
  const send = (bearer: string) =>
    fetch(`${project.url}/functions/v1/photo?path=cat.png`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${bearer}`,
        apikey: project.keys.publishableKey,
        "content-type": "image/png",
      },
      body: png,
    });
  const refused = await send(project.keys.anonKey);
  assert.deepEqual(await refused.json(), { error: "new row violates row-level security policy" });
  const { url } = await (await send(token)).json();
  const response = await fetch(url);
  assert.equal(response.headers.get("content-type"), "image/png");
  assert.deepEqual(await response.bytes(), png);
});

Deno.test("the OpenAI stand-in downloads a signed URL; what was stored is there in the next run", async () => {
  const keep = await Deno.makeTempDir({ prefix: "kept-" });
  const run = async (work: (stack: Stack) => Promise<void>) => {
    const stack = await startStack({ keep, durable: false, openaiTimings: fastTimings });
    try {
      await work(stack);
    } finally {
      await stack.stop();
    }
  };
  const storageOf = ({ apiUrl, secretKey }: Stack) =>
    createClient(apiUrl, secretKey, { auth: { persistSession: false } }).storage;
  try {
    await run(async (stack) => {
      const storage = storageOf(stack);
      await storage.createBucket("photos");
      const stored = await storage.from("photos").upload("a/cat.png", png, {
        contentType: "image/png",
      });
      assert.equal(stored.error, null);
      const { data } = await storage.from("photos").createSignedUrl("a/cat.png", 60);
      const { openai } = stack;
      assert.ok(openai);
      const answer = await fetch(`${openai.url}/responses`, {
        method: "POST",
        headers: { authorization: `Bearer ${openai.apiKey}`, "content-type": "application/json" },
        body: JSON.stringify({
          model: "gpt-5.6-terra",
          input: [{
            role: "user",
            content: [{ type: "input_image", image_url: data?.signedUrl, detail: "auto" }],
          }],
        }),
      });
      assert.equal((await answer.json()).status, "completed");
      const sha256 = createHash("sha256").update(png).digest("hex");
      assert.deepEqual(openai.downloads, [
        { url: data?.signedUrl, type: "image/png", size: png.length, sha256 },
      ]);
    });
    await run(async (stack) => {
      const { data } = await storageOf(stack).from("photos").download("a/cat.png");
      assert.deepEqual(await data?.bytes(), png);
    });
    assert.equal([...Deno.readDirSync(join(keep, "storage"))].length, 1);
  } finally {
    await Deno.remove(keep, { recursive: true });
  }
});
