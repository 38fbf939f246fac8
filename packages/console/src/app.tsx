/** Opens a project, then shows its pages. */
import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useLocation, useRoute } from "wouter";
import { AskPage } from "./ask/ask-page.tsx";
import type { Connection } from "./connection/connect.ts";
import { ConnectPage } from "./connection/connect-page.tsx";
import { type Opened, OpenedContext } from "./connection/context.ts";
import { readPageConfig } from "./connection/settings.ts";
import { HealthPage } from "./health/health-page.tsx";
import { JobsPage } from "./jobs/jobs-page.tsx";
import { Shell } from "./shell.tsx";

export function App() {
  const config = useMemo(readPageConfig, []);
  const queries = useQueryClient();
  const [connection, setConnection] = useState<Connection>();
  const [hasLeft, setHasLeft] = useState(false);

  const opened = useMemo<Opened | undefined>(() =>
    connection && {
      ...connection,
      config,
      close() {
        void connection.leave();
        queries.clear();
        setHasLeft(true);
        setConnection(undefined);
      },
    }, [connection, config, queries]);

  if (opened === undefined) {
    return <ConnectPage config={config} resumes={!hasLeft} onOpen={setConnection} />;
  }
  return (
    <OpenedContext value={opened}>
      <Shell>
        <Page />
      </Shell>
    </OpenedContext>
  );
}

function Page() {
  const [location] = useLocation();
  const [, job] = useRoute("/jobs/:id");
  if (location === "/health") return <HealthPage />;
  if (location === "/new") return <AskPage />;
  // The list stays mounted while a job is shown, so it keeps its place. On wide screens they are side by side.
  return <JobsPage {...(job && { selected: job.id })} />;
}
