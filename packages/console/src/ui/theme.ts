/** Dark or light: the system's setting, until a person chooses. public/theme.js applies the choice before the first paint. */
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";

const storageKey = "durable-responses-theme";
const listeners = new Set<() => void>();
const system = matchMedia("(prefers-color-scheme: dark)");

function current(): Theme {
  const { theme } = document.documentElement.dataset;
  if (theme === "dark" || theme === "light") return theme;
  return system.matches ? "dark" : "light";
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  system.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    system.removeEventListener("change", listener);
  };
}

export function useTheme(): Theme {
  return useSyncExternalStore(listen, current);
}

export function toggleTheme(): void {
  const theme = current() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem(storageKey, theme);
  for (const tell of listeners) tell();
}
