/** `npm run build [-- <package>…]`: builds what the packages publish, each into its folder `dist`. */
import { join } from "node:path";
import { usualCommand } from "../packages/dev/dev/usual-command.ts";
import { buildPackage, publishedPackages } from "./packages.ts";

const packages = await publishedPackages();
const names = packages.map(({ folder }) => folder.replace("packages/", ""));
const program = usualCommand("npm run build --")
  .description("Builds what the packages publish")
  .argument("[packages...]", `which: ${names.join(", ")}; all when left out`)
  .parse(["deno", "build", ...Deno.args]);
const unknown = program.args.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  program.error(`Cannot build '${unknown[0]}': a package is one of ${names.join(", ")}`);
}
for (const [index, each] of packages.entries()) {
  if (program.args.length > 0 && !program.args.includes(names[index] ?? "")) continue;
  await buildPackage(each);
  console.log(`${each.name} ${each.version} is in ${join(each.folder, "dist")}`);
}
const cli = packages.find(({ name }) => name === "durable-responses");
if (cli && (program.args.length === 0 || program.args.includes("cli"))) {
  console.log(`Run it in your project: node ${Deno.cwd()}/${cli.folder}/dist/main.js init`);
}
