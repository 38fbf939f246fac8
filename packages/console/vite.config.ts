/** Builds the console into packages/console/dist: static files that any host serves, from any path. */
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const root = fileURLToPath(new URL(".", import.meta.url));

export default defineConfig({
  root,
  base: "./",
  plugins: [react()],
  build: { outDir: "dist", emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 900 },
  // The fonts and the client SDK live above this folder.
  server: { fs: { allow: [fileURLToPath(new URL("../..", import.meta.url))] } },
});
