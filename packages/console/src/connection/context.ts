/** The open project, for every part of the page that is shown only when there is one. */
import { createContext, useContext } from "react";
import type { PageConfig } from "./settings.ts";
import type { Connection } from "./connect.ts";

export interface Opened extends Connection {
  config: PageConfig;
  /** Back to the sign-in form. */
  close(): void;
}

export const OpenedContext = createContext<Opened | undefined>(undefined);

export function useOpened(): Opened {
  const opened = useContext(OpenedContext);
  if (opened === undefined) throw new Error("Cannot use the project: none is open here");
  return opened;
}

export function useProject() {
  return useOpened().project;
}
