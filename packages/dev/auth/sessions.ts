/** Who is signed in. Kept in memory, and by whoever keeps the users from one run to the next. */

export interface Session {
  id: string;
  userId: string;
  refreshToken: string;
}

export interface Sessions {
  start(userId: string): Session;
  /** Exchanges a refresh token for a new one; undefined when it is unknown or was used before. */
  refresh(refreshToken: string): Session | undefined;
  has(id: string): boolean;
  /** Ends this session, all sessions of its user, or all but this one. */
  end(id: string, scope: "local" | "global" | "others"): void;
}

/** Holds the sessions of earlier runs, and is told of each change. */
export interface SessionStore {
  sessions: Session[];
  save(sessions: Session[]): void;
}

export function createSessions(store?: SessionStore): Sessions {
  const sessions = new Map(store?.sessions.map((session) => [session.id, session]));
  const changed = () => store?.save([...sessions.values()]);

  function save(session: Session): Session {
    sessions.set(session.id, session);
    changed();
    return session;
  }

  return {
    start: (userId) => save({ id: crypto.randomUUID(), userId, refreshToken: newRefreshToken() }),
    refresh(refreshToken) {
      const session = sessions.values().find((one) => one.refreshToken === refreshToken);
      return session && save({ ...session, refreshToken: newRefreshToken() });
    },
    has: (id) => sessions.has(id),
    end(id, scope) {
      const userId = sessions.get(id)?.userId;
      for (const session of [...sessions.values()]) {
        const isThis = session.id === id;
        const ends = scope === "local" ? isThis : scope === "global" || !isThis;
        if (session.userId === userId && ends) sessions.delete(session.id);
      }
      changed();
    },
  };
}

function newRefreshToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return bytes.toBase64({ alphabet: "base64url" });
}
