/** `npm run console -- --url <project URL> --key <publishable key>`: the console for any project, on this machine. */
import { Command } from "commander";
import { startConsole } from "../packages/dev/console/server.ts";
import {
  parseFunctionName,
  parsePort,
  parseProjectUrl,
} from "../packages/dev/dev/option-values.ts";

interface Given {
  url: string;
  key: string;
  port: number;
  functionName: string;
}

const program = new Command("npm run console --")
  .description("Opens the console for a Supabase project; calls go through this process")
  .requiredOption("--url <url>", "the project's URL, https://<ref>.supabase.co", parseProjectUrl)
  .requiredOption("--key <key>", "the project's publishable key")
  .option("--port <port>", "port to use when it is free", parsePort, 54327)
  .option(
    "--function-name <name>",
    "what `respond` is called in the project",
    parseFunctionName,
    "respond",
  );

program.action(async () => {
  const { url: projectUrl, key, port, functionName } = program.opts<Given>();
  // Not a parser of the option: commander shows the value that a parser refuses.
  if (/^sb_secret_/.test(key)) {
    program.error("error: option '--key <key>' is a secret key: it must be the publishable key");
  }
  const { url } = await startConsole({
    port,
    config: { url: projectUrl, publishableKey: key, functionName },
    forwards: true,
  });
  console.log(`Console: ${url}\nCtrl-C stops it`);
});
await program.parseAsync(Deno.args, { from: "user" });
