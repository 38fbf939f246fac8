/** Photos as the openai SDK sends them, and Storage: as a user, and with the secret key. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type OpenAI from "openai";
import type { Download } from "../../../packages/dev/openai/mod.ts";
import type { Stack, StackOptions } from "../../../packages/dev/stack.ts";
import { photoOf } from "../../support/photo.ts";
import { type Sdk, sdkForFile, sharedSdk } from "./sdk.ts";

type Part = OpenAI.Responses.ResponseInputContent;

export const dataUrl = (bytes: Uint8Array, mime = "image/png") =>
  `data:${mime};base64,${Buffer.from(bytes).toString("base64")}`;
export const asking = (...parts: Part[]): OpenAI.Responses.ResponseInput => [
  { role: "user", content: [{ type: "input_text", text: "What is this?" }, ...parts] },
];
export const image = (bytes: Uint8Array): Part => ({
  type: "input_image",
  detail: "low",
  image_url: dataUrl(bytes),
});
/** OpenAI's types do not have this field. */
export const stored = (path: string, bucket = "photos"): Part =>
  Object.assign({ type: "input_image" as const, detail: "low" as const }, {
    storage: { bucket, path },
  });

export interface PhotoUser {
  id: string;
  client: OpenAI;
  storage: SupabaseClient["storage"];
}

export interface Photos {
  sdk: Sdk;
  newUser(): Promise<PhotoUser>;
  /** A server that acts for a user. */
  server(owner: string): OpenAI;
  /** Storage with the secret key. */
  service(): SupabaseClient["storage"];
  /** Names of sent files in the owner's folder. */
  sentBy(owner: string): Promise<string[]>;
  /** What OpenAI downloads during `act`. */
  downloadsOf(act: () => Promise<unknown>): Promise<Download[]>;
  /** A small photo in the user's folder of the private bucket `photos`. */
  uploaded(user: PhotoUser): Promise<{ path: string; photo: Uint8Array }>;
}

const haveBucket = new WeakSet<Stack>();

/** On the stack that the files of this folder share. */
export function sharedPhotos(): () => Photos {
  return photosOn(sharedSdk());
}

/** On a stack with options of its own. */
export function photosForFile(options: StackOptions): () => Photos {
  return photosOn(sdkForFile(options));
}

function photosOn(theSdk: () => Sdk): () => Photos {
  return () => {
    const sdk = theSdk();
    const { stack } = sdk.stack;
    const storageWith = (key: string, token?: string) =>
      createClient(stack.apiUrl, key, {
        auth: { persistSession: false },
        ...(token !== undefined && { accessToken: () => Promise.resolve(token) }),
      }).storage;
    const service = () => storageWith(stack.secretKey);
    const makeBucket = async () => {
      if (haveBucket.has(stack)) return;
      haveBucket.add(stack);
      const { error } = await service().createBucket("photos", { public: false });
      assert.equal(error, null);
      await sdk.stack.sql.unsafe(
        `create policy own_photos on storage.objects for all to authenticated
          using (bucket_id = 'photos' and (storage.foldername(name))[1] = (select auth.uid())::text)`,
      );
    };
    return {
      sdk,
      async newUser() {
        const { id, token } = await stack.createUser();
        const storage = storageWith(stack.publishableKey, token);
        return { id, client: sdk.clientWith({ apiKey: token }), storage };
      },
      server: (owner) =>
        sdk.clientWith({ apiKey: stack.secretKey, defaultHeaders: { "x-owner-id": owner } }),
      service,
      async sentBy(owner) {
        const { data } = await service().from("response_files").list(owner);
        return (data ?? []).map(({ name }) => name);
      },
      async downloadsOf(act) {
        const { downloads } = sdk.stack.openai;
        const before = downloads.length;
        await act();
        return downloads.slice(before);
      },
      async uploaded(user) {
        await makeBucket();
        const photo = photoOf(5000);
        const path = `${user.id}/a.png`;
        const { error } = await user.storage.from("photos").upload(path, photo, {
          contentType: "image/png",
        });
        assert.equal(error, null);
        return { path, photo };
      },
    };
  };
}
