/** Connections through a server's private socket, where any role needs no password. */
import postgres from "postgres";

export interface SocketAddress {
  socketFolder: string;
  port: number;
  role: string;
  database: string;
  /** Connections at most; 4 by default. */
  max?: number;
}

/** A postgres.js pool; it connects on first use. Server notices are dropped. */
export function connectSocket(address: SocketAddress): postgres.Sql {
  return postgres({
    host: address.socketFolder,
    port: address.port,
    username: address.role,
    database: address.database,
    max: address.max ?? 4,
    onnotice: () => {},
    connection: { application_name: "local stack" },
  });
}
