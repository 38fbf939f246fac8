// Runs before the first paint, so that a chosen theme does not flash.
try {
  const chosen = localStorage.getItem("durable-responses-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is switched off in this browser: the system's theme it is.
}
