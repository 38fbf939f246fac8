/** What the page calls a project: its host, in the tab's title too, so that two open consoles can be told apart. */
import { useEffect } from "react";
import type { PageConfig, ProjectSettings } from "./settings.ts";

/** As the browser resolves it: text in front of an `@` is not the host, even if it looks like one. */
export function hostOf(url: string | undefined): string {
  return url !== undefined && URL.canParse(url) ? new URL(url).host : url ?? "";
}

/** The project's host, also where the page's calls go through a relay, whose address says nothing. */
export function projectName(config: PageConfig, { url }: Partial<ProjectSettings>): string {
  const isRelayed = config.projectUrl !== undefined && hostOf(config.url) === hostOf(url);
  return hostOf(isRelayed ? config.projectUrl : url);
}

/** The tab's title; without a project, only the product's name. */
export function useTitle(project: string): void {
  useEffect(() => {
    document.title = [project, "Durable responses"].filter((part) => part !== "").join(" · ");
  }, [project]);
}
