/** The frame of every page: where you are, links to the other pages, help. */
import { type ReactNode, useState } from "react";
import { Link, useLocation } from "wouter";
import { useOpened } from "./connection/context.ts";
import { projectName, useTitle } from "./connection/project-name.ts";
import { HelpDialog } from "./ui/help-dialog.tsx";
import { useKeys } from "./ui/keys.ts";
import { toggleTheme, useTheme } from "./ui/theme.ts";

const pages = [["/", "Jobs"], ["/health", "Health"], ["/new", "Ask"]] as const;

export function Shell({ children }: { children: ReactNode }) {
  const [location, go] = useLocation();
  const [helpIsOpen, setHelpIsOpen] = useState(false);
  useKeys({
    "?": () => setHelpIsOpen(true),
    l: () => go("/"),
    h: () => go("/health"),
    n: () => go("/new"),
    t: toggleTheme,
  });
  const isHere = (path: string) =>
    path === "/" ? location === "/" || location.startsWith("/jobs/") : location === path;
  return (
    <div className="shell">
      <a className="skip" href="#content" onClick={focusContent}>Skip to content</a>
      <header className="top">
        <Wordmark />
        <nav aria-label="Pages">
          {pages.map(([path, name]) => (
            <Link key={path} href={path} aria-current={isHere(path) ? "page" : undefined}>
              {name}
            </Link>
          ))}
        </nav>
        <Where />
        <ThemeButton />
        <button
          type="button"
          className="icon-button"
          aria-label="Keyboard shortcuts"
          onClick={() => setHelpIsOpen(true)}
        >
          ?
        </button>
      </header>
      <main id="content" tabIndex={-1}>{children}</main>
      <HelpDialog open={helpIsOpen} onOpenChange={setHelpIsOpen} />
    </div>
  );
}

/** The router uses the hash, so the link must not change it. */
function focusContent(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

/** The logo: a background run that breaks off, and a synchronous one that arrives. */
export function Wordmark() {
  return (
    <span className="wordmark">
      <svg viewBox="0 0 34 16" width="34" height="16" aria-hidden="true">
        <path className="wordmark-background" d="M1 4.5h4M7 4.5h4M13 4.5h2.5" strokeWidth="3" />
        <path className="wordmark-run" d="M12 11.5h14" strokeWidth="3" />
        <circle className="wordmark-end" cx="30" cy="11.5" r="3" />
      </svg>
      <span>durable responses</span>
    </span>
  );
}

function Where() {
  const { config, project, close } = useOpened();
  const name = projectName(config, project);
  useTitle(name);
  const who = project.identity.kind === "secret_key" ? "secret key" : project.identity.email;
  return (
    <div className="where">
      <span className="where-host" title={name}>{name}</span>
      <span className={`where-who ${project.isOperator ? "is-operator" : ""}`}>{who}</span>
      <button type="button" className="link-button" onClick={close}>Leave</button>
    </div>
  );
}

function ThemeButton() {
  const theme = useTheme();
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={theme === "dark" ? "Switch to light" : "Switch to dark"}
      onClick={toggleTheme}
    >
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
      </svg>
    </button>
  );
}
