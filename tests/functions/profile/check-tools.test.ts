/** Mistakes in the tools of a profile are reported before a request fails. */
import assert from "node:assert/strict";
import { secret } from "../../../supabase/functions/_durable_responses/mod.ts";
import { found, messageFor } from "./support/found.ts";

Deno.test("a secret of a server that dev runs is not to be copied into the project's file", async () => {
  const url = await messageFor({
    tools: [{
      type: "mcp",
      server_label: "mailbox",
      server_url: secret("MAILBOX_MCP_URL"),
      require_approval: "never",
    }],
  });
  assert.match(
    url,
    /^warn tools: The secret MAILBOX_MCP_URL is not set here → dev's functions have/,
  );
  assert.doesNotMatch(url, /durable-responses\.local/);
});

Deno.test("a tool's type that looks misspelled is told, a newer one is not", async () => {
  assert.match(
    await messageFor({ tools: [{ type: "web_serch" }] }),
    /^warn tools\[0\]: .*'web_serch', which this release does not know → Did you mean 'web_search'\?$/,
  );
  assert.deepEqual(await found({ tools: [{ type: "time_travel" }, { type: "web_search" }] }), []);
});

Deno.test("a tool that nobody runs, a server that is none, two of one name, an unset secret", async () => {
  assert.match(
    await messageFor({ tools: [{ type: "function", name: "lookup", parameters: {} }] }),
    /^wrong tools\[0\]: Nothing runs the function tool 'lookup'/,
  );
  const server = { type: "mcp", server_label: "mail", server_url: secret("SET") };
  assert.deepEqual(await found({ tools: [server, { type: "web_search" }] }), []);
  assert.match(
    await messageFor({ tools: [server, server] }),
    /Two MCP servers have the server_label 'mail'/,
  );
  assert.match(
    await messageFor({ tools: [{ type: "mcp", server_label: "mail" }] }),
    /has neither server_url/,
  );
  assert.match(
    await messageFor({ tools: [{ ...server, server_url: secret("MAIL_MCP_URL") }] }),
    /^warn tools: The secret MAIL_MCP_URL is not set here → .*secrets set/,
  );
});

Deno.test("a server's label and address are those that OpenAI takes", async () => {
  const server = { type: "mcp", server_label: "my-box_2", server_url: secret("SET") };
  const withServer = (more: object) => found({ tools: [{ ...server, ...more }] });
  for (
    const more of [
      {},
      { server_url: `${secret("SET")}/mail?x=1` },
      { server_url: `https://${secret("SET")}/mcp` },
      { server_url: "http://mcp.example/mcp", run_by: "worker" },
      { server_url: undefined, connector_id: "connector_gmail" },
    ]
  ) assert.deepEqual(await withServer(more), []);
  const label = "must begin with a letter and contain only letters, digits, - and _, but it is";
  for (const [server_label, value] of [["my box", "'my box'"], ["2nd", "'2nd'"]] as const) {
    assert.deepEqual(await withServer({ server_label }), [
      `wrong tools[0].server_label: 'tools[0].server_label' ${label} ${value} → See profiles.md#tools in the package's docs`,
    ]);
  }
  const own =
    "must begin with a letter and contain only letters, digits, - and single _, at most 32, but it is";
  for (
    const [server_label, value] of [["a__b", "'a__b'"], ["a".repeat(33), "a longer text"], [
      "2nd",
      "'2nd'",
    ]]
  ) {
    assert.deepEqual(await withServer({ server_label, run_by: "worker" }), [
      `wrong tools[0].server_label: 'tools[0].server_label' ${own} ${value} → See profiles.md#tools in the package's docs`,
    ]);
  }
  const url = "must be a secret(), or a whole URL that begins with https:// or http://, but it";
  for (
    const [server_url, value] of [
      ["ftp://x", "begins with 'ftp://'"],
      ["ws://user:hush-hush@mcp.example", "begins with 'ws://'"],
      ["mcp.example/mail", "is 'mcp.example/mail'"],
      ["https://", "is 'https://'"],
    ]
  ) {
    for (const run_by of [undefined, "worker"]) {
      assert.deepEqual(await withServer({ server_url, run_by }), [
        `wrong tools[0].server_url: 'tools[0].server_url' ${url} ${value} → See profiles.md#tools in the package's docs`,
      ]);
    }
  }
});

Deno.test("a server's tools and approvals have a form that OpenAI takes", async () => {
  const server = { type: "mcp", server_label: "mail", server_url: secret("SET") };
  const withServer = (more: object) => found({ tools: [{ ...server, ...more }] });
  for (
    const more of [
      { require_approval: "never", allowed_tools: ["find"] },
      { require_approval: { never: { tool_names: ["find"] } }, allowed_tools: { read_only: true } },
    ]
  ) assert.deepEqual(await withServer(more), []);
  assert.deepEqual(await withServer({ require_approval: "sometimes" }), [
    "wrong tools[0].require_approval: 'tools[0].require_approval' must be 'always', 'never', or an object with tools for each, but it is 'sometimes' → See profiles.md#tools in the package's docs",
  ]);
  assert.deepEqual(await withServer({ allowed_tools: "find" }), [
    "wrong tools[0].allowed_tools: 'tools[0].allowed_tools' must be a list or an object, but it is 'find' → See profiles.md#tools in the package's docs",
  ]);
  assert.deepEqual(await withServer({ allowed_tools: ["find", 7] }), [
    "wrong tools[0].allowed_tools[1]: 'tools[0].allowed_tools[1]' must be a text, but it is 7 → See profiles.md#tools in the package's docs",
  ]);
});

Deno.test("a rule whose name looks like a typing error is told, with what was meant", async () => {
  const mailbox = {
    type: "mcp",
    server_label: "mailbox",
    server_url: secret("SET"),
    allowed_tools: ["gmail_find_email", "gmail_reply_to_email"],
  };
  const rule = () => true;
  const warning = (field: string, name: string, meant: string) =>
    `warn ${field}.${name}: '${field}' has a rule for '${name}', which no tool of the profile is called → Did you mean '${meant}'?`;
  assert.deepEqual(
    await found({
      tools: [mailbox],
      approve_when: {
        "mailbx.gmail_reply_to_email": rule,
        "mailbox.gmail_reply_to_mail": rule,
        "mailbox.gmail_reply_to_email": rule,
      },
      was_made: { "mailbox.gmail_reply": rule },
      side_effects: { gmail_find_emial: "none", gmail_find_email: "none", another: "once" },
    }),
    [
      warning("side_effects", "gmail_find_emial", "gmail_find_email"),
      warning("approve_when", "mailbx.gmail_reply_to_email", "mailbox.gmail_reply_to_email"),
      warning("approve_when", "mailbox.gmail_reply_to_mail", "mailbox.gmail_reply_to_email"),
      warning("was_made", "mailbox.gmail_reply", "mailbox.gmail_reply_to_email"),
    ],
  );
  assert.deepEqual(
    await found({
      tools: [{ ...mailbox, allowed_tools: undefined }],
      approve_when: { "mailbx.any": rule, "other.any": rule },
    }),
    [warning("approve_when", "mailbx.any", "mailbox.any")],
  );
  // This server may have that tool, too.
  const open = { ...mailbox, server_label: "other", allowed_tools: undefined };
  assert.deepEqual(
    await found({ tools: [mailbox, open], side_effects: { gmail_find_emial: "none" } }),
    [],
  );
});

Deno.test("a tool that OpenAI leaves to the caller says so, once", async () => {
  const tools = [
    { type: "custom", name: "draw" },
    { type: "apply_patch" },
    { type: "local_shell" },
    { type: "shell", environment: { type: "local" } },
    { type: "computer" },
  ];
  const run_by = "caller";
  assert.deepEqual(await found({ tools: tools.map((tool) => ({ ...tool, run_by })) }), []);
  for (const tool of tools.filter(({ type }) => type !== "shell")) {
    assert.match(
      await messageFor({ tools: [tool] }),
      new RegExp(
        `^wrong tools\\[0\\]: Nothing runs the ${tool.type} tool.* → Give it run_by: "caller"`,
      ),
    );
  }
  assert.match(
    await messageFor({ tools: [{ type: "shell" }] }),
    /nothing here runs a shell of the caller → Give it an environment at OpenAI.*, or run_by: "caller"/,
  );
  const hosted = { type: "shell", environment: { type: "container_auto" } };
  assert.deepEqual(await found({ tools: [hosted] }), []);
  assert.match(
    await messageFor({ tools: [{ ...hosted, run_by }] }),
    /^wrong tools\[0\]: .*OpenAI runs this tool of the type 'shell' itself.* → Leave it out/,
  );
  const screen = { type: "computer_use_preview", environment: "browser", run_by };
  assert.match(
    await messageFor({ tools: [{ type: "computer", run_by }, screen] }),
    /^wrong tools: Two tools are named 'computer'/,
  );
});

Deno.test("a server for the worker that a submit would refuse", async () => {
  const server = { type: "mcp", server_label: "mailbox", server_url: "https://mail.example/mcp" };
  for (
    const wrong of [{ run_by: "wrker" }, { run_by: "worker", connector_id: "connector_gmail" }]
  ) {
    assert.match(
      await messageFor({ tools: [{ ...server, ...wrong }] }),
      /^wrong tools\[0\]: The tool at 'tools\[0\]' cannot be offered/,
    );
  }
  assert.deepEqual(await found({ tools: [{ ...server, run_by: "worker" }] }), []);
});
