/** `/bucket`: buckets over HTTP. */
import { Hono } from "hono";
import {
  bucketBody,
  bucketQuery,
  createBucket,
  deleteBucket,
  findBucket,
  listBuckets,
  newBucketBody,
  updateBucket,
} from "./buckets.ts";
import { callerOf } from "./caller.ts";
import { bodyOf, read, type StorageParts } from "./context.ts";

export function bucketRoutes({ keys, tables, objects }: StorageParts): Hono {
  const app = new Hono();

  app.post("/", async (context) => {
    const caller = await callerOf(keys, context.req.raw);
    const body = await bodyOf(context, newBucketBody);
    await tables.as(caller, (sql) => createBucket(sql, caller, body));
    return context.json({ name: body.name });
  });

  app.get("/", async (context) => {
    const caller = await callerOf(keys, context.req.raw);
    const query = read(bucketQuery, context.req.query());
    return context.json(await tables.as(caller, (sql) => listBuckets(sql, query)));
  });

  app.get("/:id", async (context) => {
    const caller = await callerOf(keys, context.req.raw);
    const id = context.req.param("id");
    return context.json(await tables.as(caller, (sql) => findBucket(sql, id)));
  });

  app.put("/:id", async (context) => {
    const caller = await callerOf(keys, context.req.raw);
    const body = await bodyOf(context, bucketBody);
    const id = context.req.param("id");
    await tables.as(caller, (sql) => updateBucket(sql, id, body));
    return context.json({ message: "Successfully updated" });
  });

  app.post("/:id/empty", async (context) => {
    const caller = await callerOf(keys, context.req.raw);
    const id = context.req.param("id");
    await tables.as(caller, (sql) => findBucket(sql, id));
    await objects.remove(caller, id);
    return context.json({ message: "Successfully emptied" });
  });

  app.delete("/:id", async (context) => {
    const caller = await callerOf(keys, context.req.raw);
    const id = context.req.param("id");
    const isEmpty = () =>
      tables.asService(async (sql) =>
        (await sql`select from storage.objects where bucket_id = ${id} limit 1`).length === 0
      );
    await tables.as(caller, (sql) => deleteBucket(sql, id, isEmpty));
    return context.json({ message: "Successfully deleted" });
  });

  return app;
}
