/** A command line as all of ours are: errors begin with `Error:`, name the way to help, and end with 2. */
import { Command, Option } from "commander";

/** The exit code, as of the CLI. */
const wrongUsage = 2;

/** A value of an option that only turns out to be wrong when it is used. */
export class WrongUsage extends Error {
  override readonly name = "WrongUsage";
}

/** The exit code of a command that ends with this error. */
export function exitCodeFor(error: unknown): number {
  return error instanceof WrongUsage ? wrongUsage : 1;
}

/** @param name as a person calls it, such as `npm run demo --` */
export function usualCommand(name: string): Command {
  return new Command(name)
    .exitOverride(({ exitCode }) => Deno.exit(exitCode === 0 ? 0 : wrongUsage))
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^(?:error: )?/i, "Error: ")),
    })
    .configureHelp({
      // A switch is off unless it is given: that goes without saying.
      optionDescription: (option) =>
        option.defaultValue === false
          ? option.description
          : new Command().createHelp().optionDescription(option),
    })
    .showHelpAfterError("Run with --help for usage");
}

/** An option with a value that is not text, and the text that stands for its default in the help. */
export function optionWith<T>(
  flags: string,
  description: string,
  parse: (text: string) => T,
  usual: { value: T; text: string },
): Option {
  return new Option(flags, description).argParser(parse).default(usual.value, usual.text);
}
