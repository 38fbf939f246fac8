/** `/object`: what works without a user's token, since a URL was signed or a bucket is public; and the signing. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { contentAnswer, infoAnswer } from "./answer.ts";
import { findBucket } from "./buckets.ts";
import { callerOf } from "./caller.ts";
import { bodyOf, placeIn, type StorageParts, urlOf, wantsUpsert } from "./context.ts";
import { failures } from "./failure.ts";
import { keyAnswer } from "./object-routes.ts";
import { findObject } from "./rows.ts";
import { download, readSigned, sign, upload, uploadSeconds } from "./signed.ts";
import { readUpload } from "./upload.ts";

// Strict, here and elsewhere: what is not there, such as a transformation, must not be passed over.
const signBody = z.strictObject({ expiresIn: z.int().min(1) });
const signManyBody = signBody.extend({ paths: z.array(z.string()).min(1) });

export function openRoutes({ keys, tables, objects }: StorageParts): Hono {
  const app = new Hono();
  const signedUrl = async (url: string, seconds: number) =>
    `/object/sign/${url}?token=${await sign(keys, { scope: "download", url }, seconds)}`;

  async function publicPlace(context: Context, prefix: string) {
    const place = placeIn(context, prefix);
    const bucket = await tables.asService((sql) => findBucket(sql, place.bucket));
    if (!bucket.public) throw failures.noSuchBucket();
    return place;
  }

  app.get("/public/:bucket/*", async (context) => {
    const place = await publicPlace(context, "/object/public");
    const content = await objects.open(tables.asService, place);
    return contentAnswer(content, { download: context.req.query("download") });
  });
  app.get("/info/public/:bucket/*", async (context) => {
    const place = await publicPlace(context, "/object/info/public");
    return context.json(infoAnswer(await tables.asService((sql) => findObject(sql, place))));
  });

  app.post("/sign/:bucket", async (context) => {
    const caller = await callerOf(keys, context.req.raw);
    const { expiresIn, paths } = await bodyOf(context, signManyBody);
    const bucket = context.req.param("bucket");
    const seen = await tables.as(caller, (sql) =>
      sql<{ name: string }[]>`
        select name from storage.objects where bucket_id = ${bucket} and name = any (${paths})`);
    const names = new Set(seen.map(({ name }) => name));
    return context.json(
      await Promise.all(paths.map(async (path) =>
        names.has(path)
          ? {
            path,
            error: null,
            signedURL: await signedUrl(urlOf({ bucket, name: path }), expiresIn),
          }
          : {
            path,
            error: "Either the object does not exist or you do not have access to it",
            signedURL: null,
          }
      )),
    );
  });
  app.post("/sign/:bucket/*", async (context) => {
    const caller = await callerOf(keys, context.req.raw);
    const { expiresIn } = await bodyOf(context, signBody);
    const place = placeIn(context, "/object/sign");
    await tables.as(caller, (sql) => findObject(sql, place));
    return context.json({ signedURL: await signedUrl(urlOf(place), expiresIn) });
  });
  app.get("/sign/:bucket/*", async (context) => {
    const place = placeIn(context, "/object/sign");
    const { exp } = await readSigned(keys, download, {
      url: urlOf(place),
      token: context.req.query("token"),
    });
    const content = await objects.open(tables.asService, place);
    return contentAnswer(content, { download: context.req.query("download"), expires: exp });
  });

  app.post("/upload/sign/:bucket/*", async (context) => {
    const caller = await callerOf(keys, context.req.raw);
    const place = placeIn(context, "/object/upload/sign");
    const upsert = wantsUpsert(context);
    await objects.mayWrite(caller, place, { owner: caller.sub, upsert });
    const url = urlOf(place);
    const owner = caller.sub === undefined ? {} : { owner: caller.sub };
    const token = await sign(keys, { scope: "upload", url, upsert, ...owner }, uploadSeconds);
    return context.json({ url: `/object/upload/sign/${url}?token=${token}`, token });
  });
  app.put("/upload/sign/:bucket/*", async (context) => {
    const place = placeIn(context, "/object/upload/sign");
    const { owner, upsert } = await readSigned(keys, upload, {
      url: urlOf(place),
      token: context.req.query("token"),
    });
    const bucket = await tables.asService((sql) => findBucket(sql, place.bucket));
    const brought = await readUpload(context.req.raw, bucket);
    return context.json(keyAnswer(await objects.write(place, brought, { owner, upsert })));
  });

  return app;
}
