/** Builds the console into packages/console/dist: static files that any host serves, from any path. */
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { noticesFile, noticesOf } from "../../scripts/notices.ts";

const root = fileURLToPath(new URL(".", import.meta.url));

/** Writes the licenses of all that the page contains, fonts too, next to it. */
function notices(): Plugin {
  return {
    name: "notices",
    async generateBundle(_, bundle) {
      const files = Object.values(bundle).flatMap((part) =>
        part.type === "chunk" ? part.moduleIds : part.originalFileNames.map((name) => root + name)
      );
      this.emitFile({ type: "asset", fileName: noticesFile, source: await noticesOf(files) });
    },
  };
}

export default defineConfig({
  root,
  base: "./",
  plugins: [react(), notices()],
  build: { outDir: "dist", emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 900 },
  // The fonts and the client SDK live above this folder.
  server: { fs: { allow: [fileURLToPath(new URL("../..", import.meta.url))] } },
});
