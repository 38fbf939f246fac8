/** Where the console's static files are: serve this folder, from any path. */
import { fileURLToPath } from "node:url";

export const files = fileURLToPath(new URL("./dist/", import.meta.url));
