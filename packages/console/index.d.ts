/** The folder with the console's static files, `index.html` and the rest, ending in a slash. Any host serves it, from any path. */
export const files: string;
