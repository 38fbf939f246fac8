/** When `npm run dev` opens the console by itself. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { canOpenBrowser } from "../../packages/dev/console/open-browser.ts";
import { freePort } from "../../packages/dev/ports.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { eventually } from "../support/eventually.ts";
import { ownProject } from "./support/own-project.ts";

const cases: [what: string, Parameters<typeof canOpenBrowser>[0], opens: boolean][] = [
  ["a Mac's terminal", { isTerminal: true, env: {}, os: "darwin" }, true],
  ["Windows' terminal", { isTerminal: true, env: {}, os: "windows" }, true],
  ["a Linux desktop", { isTerminal: true, env: { DISPLAY: ":0" }, os: "linux" }, true],
  ["Wayland", { isTerminal: true, env: { WAYLAND_DISPLAY: "wayland-0" }, os: "linux" }, true],
  ["WSL", { isTerminal: true, env: { WSL_DISTRO_NAME: "Debian" }, os: "linux" }, true],
  ["a Linux without a display", { isTerminal: true, env: {}, os: "linux" }, false],
  [
    "SSH to a Mac",
    { isTerminal: true, env: { SSH_CONNECTION: "::1 1 ::1 22" }, os: "darwin" },
    false,
  ],
  [
    "SSH with X forwarding",
    {
      isTerminal: true,
      env: { SSH_CONNECTION: "::1 1 ::1 22", DISPLAY: "localhost:10.0" },
      os: "linux",
    },
    true,
  ],
  ["a pipe", { isTerminal: false, env: { DISPLAY: ":0" }, os: "linux" }, false],
  ["CI", { isTerminal: true, env: { CI: "true", DISPLAY: ":0" }, os: "linux" }, false],
  ["CI=false", { isTerminal: true, env: { CI: "false", DISPLAY: ":0" }, os: "linux" }, true],
];

for (const [what, where, opens] of cases) {
  Deno.test(`${what}: the browser is ${opens ? "" : "not "}opened`, () => {
    assert.equal(canOpenBrowser(where), opens);
  });
}

/** The program of util-linux that gives another one a terminal. */
const script = "/usr/bin/script";
const hasScript = Deno.build.os === "linux" &&
  await Deno.stat(script).then(() => true, () => false);

for (const [option, opens] of [["", true], ["--no-open", false]] as const) {
  Deno.test(
    `in a terminal with a display, npm run dev ${option} ${
      opens ? "opens" : "only prints"
    } the console`,
    { ignore: !hasScript },
    async () => {
      await using project = await ownProject();
      const { folder } = project;
      const [browser, opened] = [join(folder, "browser"), join(folder, "opened")];
      await Deno.writeTextFile(browser, `#!/bin/sh\nprintf '%s' "$1" > ${opened}\n`, {
        mode: 0o755,
      });
      const dev = new Deno.Command(script, {
        args: [
          "-qefc",
          `${Deno.execPath()} run -A scripts/dev.ts ${
            project.options.join(" ")
          } --ports ${freePort()},${freePort()} ${option}`,
          "/dev/null",
        ],
        cwd: projectRoot,
        // Without a desktop and a default application, xdg-open uses this browser.
        env: {
          BROWSER: browser,
          DISPLAY: ":77",
          CI: "",
          XDG_CURRENT_DESKTOP: "",
          DESKTOP_SESSION: "",
          XDG_DATA_HOME: folder,
          XDG_DATA_DIRS: folder,
          XDG_CONFIG_HOME: folder,
        },
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      let ended = false;
      void dev.status.then(() => ended = true);
      let output = "";
      const read = (async () => {
        for await (const text of dev.stdout.pipeThrough(new TextDecoderStream())) output += text;
      })();
      try {
        const isReady = () => /^Ready after/m.test(output);
        await eventually("the stack is ready, or has ended", () => isReady() || ended, {
          timeoutMs: 60_000,
        });
        assert.ok(isReady(), `dev has ended: ${output}`);
        const url = /in a browser: (\S+)/.exec(output)?.[1];
        assert.ok(url, output);
        const readOpened = () => Deno.readTextFile(opened).catch(() => undefined);
        if (opens) {
          await eventually("the browser", async () => await readOpened() === url);
        } else {
          assert.equal(await readOpened(), undefined);
        }
      } finally {
        if (!ended) dev.kill("SIGTERM");
        await read;
        await dev.status;
      }
    },
  );
}
