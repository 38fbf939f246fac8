import { Wordmark } from "../shell.tsx";
import { Button } from "../ui/button.tsx";
import { hostOf, projectName, useTitle } from "./project-name.ts";
import type { PageConfig, ProjectSettings } from "./settings.ts";

interface Props {
  config: PageConfig;
  own: Partial<ProjectSettings>;
  asked: ProjectSettings;
  onStay(): void;
  onOpen(): void;
}

/** Asks before it opens a project that only the address names: whoever made the link would get the password. */
export function OtherProject({ config, own, asked, onStay, onOpen }: Props) {
  const host = hostOf(asked.url);
  const ownName = projectName(config, own);
  useTitle("");
  return (
    <main className="connect">
      <Wordmark />
      <h1>Open another project?</h1>
      <p>
        The link that you followed opens the project at <b className="project-name">{host}</b>
        {own.url && (
          <>
            , not <b className="project-name">{ownName}</b>
          </>
        )}
        . Your password or secret key would be sent there. Nothing has been sent so far.
      </p>
      <div className="decision-buttons">
        <Button look="solid" onClick={onStay}>
          {own.url ? `Stay with ${ownName}` : "Do not open it"}
        </Button>
        <Button look="danger" onClick={onOpen}>Open {host}</Button>
      </div>
    </main>
  );
}
