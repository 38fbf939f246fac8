/** A page without a browser (jsdom), in which React renders. */
import { JSDOM } from "jsdom";
import type { ReactNode } from "react";
import type { Root } from "react-dom/client";
import { eventually } from "../../support/eventually.ts";

export interface Page extends AsyncDisposable {
  /** The page's text now. */
  text(): string;
  /** Waits until the page's text contains this. */
  shows(text: string): Promise<void>;
  click(button: string): void;
  render(node: ReactNode): void;
}

/** Renders into a new page. Updates are asynchronous, as in a browser. Timers and sockets are Deno's. */
export async function openPage(node: ReactNode): Promise<Page> {
  const { window } = new JSDOM("<!doctype html><main></main>", {
    pretendToBeVisual: true,
  });
  Object.assign(globalThis, { window, document: window.document });
  // Only now, because react-dom reads the globals when it is loaded.
  const { createRoot } = await import("react-dom/client");
  const main = window.document.querySelector("main");
  if (!main) throw new Error("Cannot render: the page has no <main>");
  const root: Root = createRoot(main);
  root.render(node);
  const text = () => main.textContent ?? "";
  return {
    text,
    render: (next) => root.render(next),
    async shows(wanted) {
      await eventually(`'${wanted}' on the page`, text, (seen) => seen.includes(wanted));
    },
    click(label) {
      const button = [...main.querySelectorAll("button")].find((one) => one.textContent === label);
      if (!button) {
        throw new Error(`Cannot click '${label}': the page shows '${text()}'`);
      }
      button.click();
    },
    async [Symbol.asyncDispose]() {
      root.unmount();
      await eventually("an empty page", () => text() === "");
      window.close();
    },
  };
}
