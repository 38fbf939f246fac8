/**
 * `npm run release [-- --dry-run]`: publishes every package whose version the registry does not have yet. Versions and the
 * packages' changelogs come from `npx changeset version`. .github/workflows/publish.yml runs this when a tag is pushed.
 */
import { usualCommand } from "../packages/dev/dev/usual-command.ts";
import { isPublished, packPackage, publishedPackages, publishPackage } from "./packages.ts";

const program = usualCommand("npm run release --")
  .description("Publishes the packages whose version npm does not have yet")
  .option("--dry-run", "build and pack each, and publish nothing", false)
  .parse(["deno", "release", ...Deno.args]);
const { dryRun } = program.opts<{ dryRun: boolean }>();
const packages = await publishedPackages();
const [first] = packages;
const other = packages.find(({ version }) => version !== first?.version);
if (other) {
  console.error(
    `Error: Cannot release: all packages have one version, and ${other.name} has ${other.version}, ${first?.name} ${first?.version}`,
  );
  Deno.exit(1);
}
for (const each of packages) {
  const { name, version } = each;
  if (dryRun) {
    const { filename, size, files } = await packPackage(each);
    console.log(`${filename}: ${files.length} files, ${Math.ceil(size / 1024)} kB`);
  } else if (await isPublished(each)) {
    console.log(`${name} ${version} is published already`);
  } else {
    await publishPackage(each);
    console.log(`${name} ${version} published`);
  }
}
if (dryRun) console.log("Nothing was published.");
