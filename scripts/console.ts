/** `npm run console -- --url <project URL> --key <publishable key>`: the console for any project, on this machine. */
import { Command } from "commander";
import { startConsole } from "../packages/dev/console/server.ts";

const program = new Command("npm run console --")
  .description("Opens the console for a Supabase project; calls go through this process")
  .requiredOption("--url <url>", "the project's URL, https://<ref>.supabase.co")
  .requiredOption("--key <key>", "the project's publishable key")
  .option("--port <port>", "port to use when it is free", "54327")
  .option("--function-name <name>", "what `respond` is called in the project", "respond");

program.action(
  async (options: { url: string; key: string; port: string; functionName: string }) => {
    const { url } = await startConsole({
      port: Number(options.port),
      config: {
        url: options.url,
        publishableKey: options.key,
        functionName: options.functionName,
      },
      forwards: true,
    });
    console.log(`Console: ${url}\nCtrl-C stops it`);
  },
);
await program.parseAsync(Deno.args, { from: "user" });
