/** The vanilla example of docs/client.md, as a page's script. Its settings are in the address. */
import { createClient } from "@supabase/supabase-js";
import { createDurableResponses } from "../../../packages/client/src/index.ts";

const settings = new URLSearchParams(location.search);
const setting = (name: string) => settings.get(name) ?? "";
const show = (id: string, text: string) => {
  const element = document.getElementById(id);
  if (element) element.textContent = text;
};

const supabase = createClient(setting("url"), setting("key"));
const responses = createDurableResponses(supabase);
await supabase.auth.signInWithPassword({
  email: setting("email"),
  password: setting("password"),
});

const job = await responses.submit({
  query: setting("query"),
  profile: "mail",
});
const tools: string[] = [];
for await (const update of responses.watch(job.id)) {
  if (update.type === "text") show("answer", update.text);
  if (update.type === "tool_call") {
    show(
      "tools",
      (tools.push(`${update.step.tool}: ${update.step.status}`), tools.join(", ")),
    );
  }
  if (update.type === "connection") show("connection", update.state);
  if (update.type === "job") show("status", update.job.status);
}
const refused = await responses.cancel(job.id).catch((error: unknown) => error);
show("refused", refused instanceof Error ? refused.message : "");
