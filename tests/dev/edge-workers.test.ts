/** Workers that fail, are killed, restarted and stopped. */
import assert from "node:assert/strict";
import { isRunning, withEdge } from "./support/edge.ts";
import { eventually } from "../support/eventually.ts";

Deno.test("after kill -9 the request in flight fails and the next one gets a new worker", async () => {
  await withEdge({}, async (edge) => {
    const pid = Number(await edge.text("life", "/pid"));
    const hanging = edge.get("life", "/hang");
    await eventually("the request is with the function", () => edge.workers()[0]?.inFlight === 1);
    assert.deepEqual(await edge.kill("life"), [pid]);
    assert.ok(!isRunning(pid));

    const response = await hanging;
    assert.equal(response.status, 502);
    assert.equal((await response.json()).code, "WORKER_ERROR");
    assert.notEqual(Number(await edge.text("life", "/pid")), pid);
  });
});

Deno.test("kill -9 in the middle of a stream breaks it off", async () => {
  await withEdge({}, async (edge) => {
    const response = await edge.get("life", "/stream?ms=60000");
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader?.read())?.value, "data: first\n\n");
    await edge.kill("life");
    await assert.rejects(async () => await reader?.read());
  });
});

Deno.test("a worker that exits is a 500 with the platform's code, and the next request gets a new worker", async () => {
  await withEdge({}, async (edge) => {
    const response = await edge.get("life", "/exit");
    assert.equal(response.status, 500);
    assert.equal(response.headers.get("sb-error-code"), "WORKER_ERROR");
    await response.body?.cancel();
    assert.ok(Number(await edge.text("life", "/pid")) > 0);
  });
});

Deno.test("a handler that throws is a 500, and its worker lives", async () => {
  await withEdge({}, async (edge) => {
    const pid = await edge.text("life", "/pid");
    const response = await edge.get("life", "/throw");
    assert.equal(response.status, 500);
    await response.body?.cancel();
    assert.equal(await edge.text("life", "/pid"), pid);
    await edge.logged(/the handler threw/);
  });
});

Deno.test("waitUntil work that fails unhandled ends the worker", async () => {
  await withEdge({}, async (edge) => {
    await edge.text("life", "/background-fails");
    await edge.logged(/nobody handles this/);
    await eventually("the worker has ended", () => edge.workers().length === 0);
  });
});

Deno.test("a function that cannot start is a 503, one that does not exist a 404", async () => {
  await withEdge({}, async (edge) => {
    const broken = await edge.get("boot-fails", "/");
    assert.equal(broken.status, 503);
    assert.equal((await broken.json()).code, "BOOT_ERROR");
    await edge.logged(/this function cannot start/);

    for (const name of ["missing", "_shared", "..", ""]) {
      const response = await edge.get(name, "/");
      assert.equal(response.status, 404, name);
      assert.equal((await response.json()).code, "NOT_FOUND");
    }
  });
});

Deno.test("a function that never serves is a 503, and its log says what is missing", async () => {
  const functionsDir = await Deno.makeTempDir({ prefix: "unserved-" });
  try {
    await Deno.mkdir(`${functionsDir}/hello`);
    await Deno.writeTextFile(`${functionsDir}/hello/index.ts`, "export {};");
    await withEdge({ functionsDir }, async (edge) => {
      const answer = await edge.get("hello", "/");
      assert.deepEqual([answer.status, (await answer.json()).code], [503, "BOOT_ERROR"]);
      await edge.logged(/^ended without serving anything: its index\.ts must call Deno\.serve$/);
    });
  } finally {
    await Deno.remove(functionsDir, { recursive: true });
  }
});

Deno.test("a function whose import map cannot be read is a 503, and its log says why", async () => {
  const remote = () => {
    throw new Error("Cannot read the import map 'x': it does not exist");
  };
  await withEdge({ remote }, async (edge) => {
    const answer = await edge.get("echo", "/");
    assert.deepEqual([answer.status, (await answer.json()).code], [503, "BOOT_ERROR"]);
    assert.deepEqual(edge.lines, ["Cannot read the import map 'x': it does not exist"]);
  });
});

Deno.test("a restart tells the worker why and boots a new one for the next request", async () => {
  await withEdge({}, async (edge) => {
    const pid = await edge.text("life", "/pid");
    await edge.restart("life");
    assert.ok(edge.lines.some((line) => line.startsWith("beforeunload termination")));
    assert.deepEqual(edge.workers(), []);
    assert.notEqual(await edge.text("life", "/pid"), pid);
  });
});

Deno.test("stop leaves no worker behind, not even a frozen one", async () => {
  const pids: number[] = [];
  await withEdge({}, async (edge) => {
    pids.push(Number(await edge.text("life", "/pid")));
    await edge.text("echo", "/");
    pids.push(...edge.workers().map(({ pid }) => pid));
    await edge.kill("echo", "SIGSTOP");
  });
  assert.equal(pids.length, 3);
  assert.ok(pids.every((pid) => !isRunning(pid)));
});

Deno.test("CPU time and memory are counted for each worker, also after its end", async () => {
  await withEdge({}, async (edge) => {
    await edge.text("life", "/burn?ms=200");
    await edge.text("echo", "/");
    await edge.kill("life");
    const usage = await edge.usage();
    const life = usage.find((worker) => worker.function === "life");
    const echo = usage.find((worker) => worker.function === "echo");
    assert.ok(life && life.cpuMs >= 150 && life.cpuMs < 1000, `life: ${life?.cpuMs} ms`);
    assert.equal(life.state, "ended");
    assert.equal(life.ended, "killed");
    assert.ok(echo && echo.cpuMs < 150, `echo: ${echo?.cpuMs} ms`);
    assert.ok(echo.rssMb > 10 && echo.rssMb < 256);
  });
});
