/** The folder with the console's static files, such as `index.html`, with a final slash. Any host can serve it, from any path. */
export const files: string;
