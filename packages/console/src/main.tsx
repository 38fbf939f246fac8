/** The console's entry: wiring only. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { App } from "./app.tsx";
import { toFailure } from "./data/failure.ts";
import { ErrorBoundary } from "./ui/error-boundary.tsx";
import "./styles/index.css";

const queries = new QueryClient({
  defaultOptions: {
    // Being offline is shown like any other failure, instead of waiting silently.
    mutations: { networkMode: "always" },
    queries: {
      networkMode: "always",
      // One silent retry. After that, a person sees the failure and decides.
      retry: (failures, error) => failures < 1 && toFailure(error).passing,
      retryDelay: 700,
      staleTime: 1_000,
    },
  },
});

const root = document.getElementById("root");
if (root === null) throw new Error("Cannot start: index.html has no #root");
createRoot(root).render(
  <QueryClientProvider client={queries}>
    {/* The page is in the hash, so that any static host can serve the console. */}
    <Router hook={useHashLocation}>
      <ErrorBoundary>
        <App />
      </ErrorBoundary>
    </Router>
  </QueryClientProvider>,
);
