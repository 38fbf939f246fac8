/** A call that was made, refused, or failed: in any case not to be made again. */
export interface DoneCall {
  /** Unknown when only a name was told. */
  server: string | undefined;
  tool: string;
  arguments: unknown;
  output?: string;
  error?: string;
  /** A person said no, with this reason. */
  denied?: string;
}
