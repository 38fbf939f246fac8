/** `/object`: what a caller does with objects, as themselves. Signed and public URLs are in open-routes.ts. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { contentAnswer, infoAnswer } from "./answer.ts";
import { findBucket } from "./buckets.ts";
import { callerOf } from "./caller.ts";
import { bodyOf, placeIn, type StorageParts, urlOf, wantsUpsert } from "./context.ts";
import { failures } from "./failure.ts";
import { list, listBody, listV2, listV2Body } from "./list.ts";
import { findObject, type ObjectRow } from "./rows.ts";
import { readUpload } from "./upload.ts";

const transferBody = z.strictObject({
  bucketId: z.string(),
  sourceKey: z.string(),
  destinationKey: z.string(),
  destinationBucket: z.string().optional(),
});
const removeBody = z.object({
  prefixes: z.array(z.string()).min(1),
});

export function objectRoutes({ keys, tables, objects }: StorageParts): Hono {
  const app = new Hono();
  const caller = (context: Context) => callerOf(keys, context.req.raw);

  async function upload(context: Context, upsert: boolean): Promise<Response> {
    const user = await caller(context);
    const place = placeIn(context, "/object");
    const bucket = await tables.asService((sql) => findBucket(sql, place.bucket));
    const brought = await readUpload(context.req.raw, bucket);
    const options = { owner: user.sub, upsert };
    await objects.mayWrite(user, place, options, brought);
    return context.json(keyAnswer(await objects.write(place, brought, options)));
  }

  async function download(context: Context, prefix: string): Promise<Response> {
    const user = await caller(context);
    const place = placeIn(context, prefix);
    const bucket = await tables.asService((sql) => findBucket(sql, place.bucket));
    const content = await objects.open(
      (work) => bucket.public ? tables.asService(work) : tables.as(user, work),
      place,
    );
    return contentAnswer(content, { download: context.req.query("download") });
  }

  async function info(context: Context, prefix: string): Promise<Response> {
    const user = await caller(context);
    const place = placeIn(context, prefix);
    await tables.asService((sql) => findBucket(sql, place.bucket));
    return context.json(infoAnswer(await tables.as(user, (sql) => findObject(sql, place))));
  }

  async function transfer(context: Context) {
    const user = await caller(context);
    const { bucketId, sourceKey, destinationKey, destinationBucket } = await bodyOf(
      context,
      transferBody,
    );
    const from = { bucket: bucketId, name: sourceKey };
    return { user, from, to: { bucket: destinationBucket ?? bucketId, name: destinationKey } };
  }

  app.post("/list/:bucket", async (context) => {
    const user = await caller(context);
    const body = await bodyOf(context, listBody);
    const bucket = context.req.param("bucket");
    return context.json(await tables.as(user, (sql) => list(sql, bucket, body)));
  });
  app.post("/list-v2/:bucket", async (context) => {
    const user = await caller(context);
    const body = await bodyOf(context, listV2Body);
    const bucket = context.req.param("bucket");
    return context.json(await tables.as(user, (sql) => listV2(sql, bucket, body)));
  });
  app.post("/copy", async (context) => {
    const { user, from, to } = await transfer(context);
    return context.json(keyAnswer(await objects.copy(user, from, to, wantsUpsert(context))));
  });
  app.post("/move", async (context) => {
    const { user, from, to } = await transfer(context);
    const moved = keyAnswer(await objects.move(user, from, to));
    return context.json({ message: "Successfully moved", ...moved });
  });

  app.get(
    "/info/authenticated/:bucket/*",
    (context) => info(context, "/object/info/authenticated"),
  );
  app.get("/info/:bucket/*", (context) => info(context, "/object/info"));
  app.get("/authenticated/:bucket/*", (context) => download(context, "/object/authenticated"));

  app.delete("/:bucket", async (context) => {
    const user = await caller(context);
    const { prefixes } = await bodyOf(context, removeBody);
    return context.json(await objects.remove(user, context.req.param("bucket"), prefixes));
  });
  app.delete("/:bucket/*", async (context) => {
    const user = await caller(context);
    const place = placeIn(context, "/object");
    await tables.asService((sql) => findObject(sql, place));
    const removed = await objects.remove(user, place.bucket, [place.name]);
    if (removed.length === 0) throw failures.accessDenied("Access denied");
    return context.json({ message: "Successfully deleted" });
  });
  app.get("/:bucket/*", (context) => download(context, "/object"));
  app.post("/:bucket/*", (context) => upload(context, wantsUpsert(context)));
  app.put("/:bucket/*", (context) => upload(context, true));

  return app;
}

export function keyAnswer(row: ObjectRow) {
  return { Id: row.id, Key: urlOf({ bucket: row.bucket_id, name: row.name }) };
}
