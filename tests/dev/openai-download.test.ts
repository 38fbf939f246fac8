/** Files that a request names by URL are downloaded before the model sees them, and refused as OpenAI refuses them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import OpenAI from "openai";
import { eventually } from "../support/eventually.ts";
import { withStandIn } from "./openai-fixture.ts";

const model = "gpt-5.6-terra";
const photo = crypto.getRandomValues(new Uint8Array(1000));

/** Serves `/photo`, refuses `/secret`, never answers `/slow`. */
async function withImages(run: (url: string) => Promise<void>): Promise<void> {
  const ended = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/photo") {
        return new Response(photo, { headers: { "content-type": "image/png" } });
      }
      if (pathname === "/slow") {
        await new Promise((resolve) => ended.signal.addEventListener("abort", resolve));
      }
      return new Response(null, { status: 403 });
    },
  );
  try {
    await run(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    ended.abort();
    await server.shutdown();
  }
}

function about(
  ...content: OpenAI.Responses.ResponseInputContent[]
): OpenAI.Responses.ResponseInput {
  return [{ role: "user", content: [{ type: "input_text", text: "What is it?" }, ...content] }];
}
const image = (image_url: string) => ({ type: "input_image", image_url, detail: "auto" }) as const;

Deno.test("images and files are downloaded, also in background; data URLs are left as they are", () =>
  withImages((url) =>
    withStandIn(async ({ client, openai }) => {
      const input = about(
        image(`${url}/photo`),
        image("data:image/png;base64,AAAA"),
        { type: "input_file", file_url: `${url}/photo` },
      );
      const expected = {
        url: `${url}/photo`,
        type: "image/png",
        size: photo.length,
        sha256: createHash("sha256").update(photo).digest("hex"),
      };
      const { status } = await client.responses.create({ model, input });
      assert.equal(status, "completed");
      assert.deepEqual(openai.downloads, [expected, expected]);
      await client.responses.create({ model, input, background: true });
      await openai.idle();
      assert.equal(openai.downloads.length, 4);
    })
  ));

Deno.test("what cannot be had is the request's fault, in a stream too, and says what happened", () =>
  withImages((url) =>
    withStandIn(async ({ client }) => {
      const gone = "http://127.0.0.1:1/photo";
      const refusals = [
        [
          image(`${url}/secret`),
          "invalid_image_url",
          `400 Error while downloading ${url}/secret. Upstream status code: 403.`,
        ],
        [image(gone), "invalid_image_url", `400 Error while downloading ${gone}.`],
        [
          image(`${url}/slow`),
          "invalid_image_url",
          `400 Timeout while downloading ${url}/slow.`,
        ],
        [
          { type: "input_file", file_url: `${url}/secret` },
          "invalid_value",
          "400 Error while downloading file. Upstream status code: 403.",
        ],
      ] as const;
      for (const [part, code, message] of refusals) {
        for (const stream of [false, true]) {
          await assert.rejects(
            client.responses.create({ model, input: about(part), stream }),
            { name: "Error", status: 400, code, param: "url", message },
          );
        }
      }
    }, { downloadTimeoutMs: 300 })
  ));

Deno.test("a background response is accepted, and fails", () =>
  withImages((url) =>
    withStandIn(async ({ client }) => {
      const input = about(image(`${url}/secret`));
      const { id } = await client.responses.create({ model, input, background: true });
      const { error } = await eventually(
        "the end",
        () => client.responses.retrieve(id),
        ({ status }) => status === "failed",
      );
      assert.equal(error?.code, "failed_to_download_image");
    })
  ));
