/** The questions that init asks before it works out its plan: the first profile, and the secrets. */
import { askChoice, askSecret, askText } from "../terminal/ask.ts";
import {
  defaultStarter,
  type Starter,
  type StarterKind,
  starterSecrets,
  wrongModel,
  wrongServer,
} from "./starters.ts";

/** Asks a person about the first profile. */
export async function askStarter(given: Partial<Starter>): Promise<Starter> {
  const kind = given.kind ??
    await askChoice<StarterKind>("What should your first profile do?", [
      {
        value: "question",
        label: "Answer questions",
        hint: "a model and instructions",
      },
      {
        value: "mcp",
        label: "Use tools of an MCP server",
        hint: "each call asks for approval at first",
      },
      {
        value: "structured",
        label: "Answer as JSON",
        hint: "checked against a zod schema",
      },
    ]);
  const model = given.model ??
    await askText("Which model?", defaultStarter.model, wrongModel);
  const server = kind === "mcp" && given.server === undefined
    ? await askText(
      "What is the MCP server's label?",
      defaultStarter.server,
      wrongServer,
    )
    : given.server ?? defaultStarter.server;
  return { kind, model, server };
}

/** Asks for secrets that the project does not have yet. Empty answers are left out. */
export async function askSecrets(
  starter: Starter,
  known: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const name of ["OPENAI_API_KEY", ...starterSecrets(starter)]) {
    if (known[name]) continue;
    const value = await askSecret(
      `${name} (stored in a file that git ignores; leave empty to fill it in later)`,
    );
    if (value !== undefined) secrets[name] = value;
  }
  return secrets;
}
