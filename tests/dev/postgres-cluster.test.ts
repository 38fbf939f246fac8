import assert from "node:assert/strict";
import { join } from "node:path";
import { type Cluster, startCluster } from "../../packages/dev/postgres/cluster.ts";
import { cachedFolder, hashOf } from "../../packages/dev/postgres/template.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { commandLineOf } from "../../packages/dev/run-folder.ts";

async function withCluster(
  run: (cluster: Cluster) => Promise<void>,
  options: Parameters<typeof startCluster>[0] = {},
): Promise<void> {
  const cluster = await startCluster({ durable: false, ...options });
  try {
    await run(cluster);
  } finally {
    await cluster.destroy();
  }
}

async function ask(cluster: Cluster, query: string, role = "postgres"): Promise<unknown> {
  const sql = cluster.connect(role, "postgres", { max: 1 });
  try {
    const [row] = await sql.unsafe(query);
    return row === undefined ? undefined : Object.values(row)[0];
  } finally {
    await sql.end();
  }
}

async function serverPid(cluster: Cluster): Promise<number> {
  const text = await Deno.readTextFile(join(cluster.dataFolder, "postmaster.pid"));
  return Number(text.split("\n")[0]);
}

Deno.test("a cluster is Postgres 17, listens on 127.0.0.1 only, and its migration role is no superuser", async () => {
  await withCluster(async (cluster) => {
    assert.match(String(await ask(cluster, "show server_version")), /^17\./);
    assert.equal(await ask(cluster, "show listen_addresses"), "127.0.0.1");
    assert.equal(
      await ask(cluster, "select rolsuper from pg_roles where rolname = current_user"),
      false,
    );
  });
});

Deno.test("data survives a crash and a restart, on the same port", async () => {
  await withCluster(async (cluster) => {
    const { port } = cluster;
    await ask(cluster, "create table public.kept as select 1 as value");
    await cluster.restart("immediate");
    await cluster.restart("fast");
    assert.equal(await ask(cluster, "select value from public.kept"), 1);
    assert.equal(cluster.port, port);
  });
});

Deno.test("a server that was killed with a session open can be started again", async () => {
  await withCluster(async (cluster) => {
    const open = cluster.connect();
    await open`select 1`;
    Deno.kill(await serverPid(cluster), "SIGKILL");
    await assert.rejects(open`select pg_sleep(60)`);
    await cluster.start();
    assert.equal(await ask(cluster, "select 1"), 1);
    await open.end({ timeout: 1 });
  });
});

Deno.test("a postmaster.pid that names another program's process does not block the start", async () => {
  await withCluster(async (cluster) => {
    await cluster.stop("immediate");
    const file = join(cluster.dataFolder, "postmaster.pid");
    await Deno.writeTextFile(file, `${Deno.pid}\n${cluster.dataFolder}\n`);
    await cluster.start();
    assert.notEqual(await serverPid(cluster), Deno.pid);
  });
});

Deno.test("two clusters that ask for the same port both start", async () => {
  await withCluster((first) =>
    withCluster((second) => {
      assert.notEqual(first.port, second.port);
      return Promise.resolve();
    }, { port: first.port })
  );
});

Deno.test("destroy leaves neither process nor folder, and may be called twice", async () => {
  const cluster = await startCluster({ durable: false });
  const pid = await serverPid(cluster);
  await Promise.all([cluster.destroy(), cluster.destroy()]);
  assert.equal(commandLineOf(pid), undefined);
  await assert.rejects(Deno.stat(cluster.dataFolder), Deno.errors.NotFound);
});

Deno.test("two runs that make the same template at once both get it whole", async () => {
  const key = await hashOf([crypto.randomUUID()]);
  const bothBuild = Promise.withResolvers<void>();
  let building = 0;
  const make = () =>
    cachedFolder("test", key, async (folder) => {
      if (++building === 2) bothBuild.resolve();
      await bothBuild.promise;
      await Deno.writeTextFile(join(folder, "content"), "whole");
    });
  const [first, second] = await Promise.all([make(), make()]);
  try {
    assert.equal(first, second);
    assert.equal(await Deno.readTextFile(join(first, "content")), "whole");
  } finally {
    await Deno.remove(first, { recursive: true });
  }
});

Deno.test("what a run that was killed leaves behind is ended by the next run", async () => {
  const run = () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(projectRoot, "tests", "dev", "fixtures", "hold-cluster.ts")],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
  const first = run();
  const orphan = Number(await firstLine(first.stdout));
  first.kill("SIGKILL");
  await first.status;
  await first.stdin.close();
  assert.ok(commandLineOf(orphan)?.includes("postgres"));

  const second = run();
  const pid = Number(await firstLine(second.stdout));
  assert.equal(commandLineOf(orphan), undefined);

  second.kill("SIGINT");
  assert.equal((await second.status).code, 130);
  await second.stdin.close();
  assert.equal(commandLineOf(pid), undefined);
});

async function firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Cannot read a line: the program ended after '${text}'`);
    text += value;
  }
  await reader.cancel();
  return text.split("\n")[0] ?? "";
}
