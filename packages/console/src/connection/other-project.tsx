import { Wordmark } from "../shell.tsx";
import { Button } from "../ui/button.tsx";
import type { ProjectSettings } from "./settings.ts";

interface Props {
  own: Partial<ProjectSettings>;
  asked: ProjectSettings;
  onStay(): void;
  onOpen(): void;
}

/** Asks before it opens a project that only the address names: whoever made the link would get the password. */
export function OtherProject({ own, asked, onStay, onOpen }: Props) {
  const host = hostOf(asked);
  return (
    <main className="connect">
      <Wordmark />
      <h1>Open another project?</h1>
      <p>
        The link that you followed opens the project at <b className="project-name">{host}</b>
        {own.url && (
          <>
            , not <b className="project-name">{hostOf(own)}</b>
          </>
        )}
        . Your password or secret key would be sent there. Nothing has been sent so far.
      </p>
      <div className="decision-buttons">
        <Button look="solid" onClick={onStay}>
          {own.url ? `Stay with ${hostOf(own)}` : "Do not open it"}
        </Button>
        <Button look="danger" onClick={onOpen}>Open {host}</Button>
      </div>
    </main>
  );
}

/** As the browser resolves it: text in front of an `@` is not the host, even if it looks like one. */
export function hostOf({ url }: Partial<ProjectSettings>): string {
  return url !== undefined && URL.canParse(url) ? new URL(url).host : url ?? "";
}
