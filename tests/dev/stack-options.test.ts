/** What a stack can be told, as the functions and the OpenAI stand-in see it. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { withStack } from "../support/stack.ts";
import { eventually } from "../support/eventually.ts";

const createBody = z.object({
  model: z.string(),
  instructions: z.string(),
  tools: z.array(z.object({ server_url: z.string() })),
});

Deno.test("functions get other profiles, further environment and the wall clock they have", async () => {
  const options = {
    profiles: fileURLToPath(new URL("fixtures/profiles.ts", import.meta.url)),
    env: { FIXTURE_MCP_URL: "http://127.0.0.1:9/mcp" },
    wallClockMs: 99_500,
    openaiTimings: fastTimings,
  };
  await withStack(options, async ({ stack }) => {
    const { token } = await stack.createUser();
    const response = await fetch(`${stack.functionsUrl}/respond`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ profile: "fixture", query: "hello" }),
    });
    assert.equal(response.status, 202, await response.text());
    const request = await eventually(
      "OpenAI was asked",
      () => stack.openai?.requests.find(({ method }) => method === "POST"),
    );
    assert.deepEqual(createBody.parse(request.body), {
      model: "fixture-model",
      instructions: "You have 99.5 s",
      tools: [{ server_url: "http://127.0.0.1:9/mcp" }],
    });
  });
});
