/** Loaded by the first run that calls it. */
export default function add({ a, b = 0 }: { a: number; b?: number | undefined }): { sum: number } {
  return { sum: a + b };
}
