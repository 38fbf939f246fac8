/** Keys that sign tokens, and an Auth that knows two of them. The platform gave the function only the first. */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { forFile } from "../../../support/for-file.ts";
import { setEnvironment } from "../../support/environment.ts";

export const sub = "5f0c8d1e-7d1f-4d7b-9d55-0a8f2f3c4b5a";

export interface TokenOptions {
  /** null: a token that never expires. */
  lifeS?: number | null;
  claims?: Record<string, unknown>;
}

export async function signer(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  return {
    jwk: { ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" },
    sign({ lifeS = 3600, claims = {} }: TokenOptions = {}): Promise<string> {
      const token = new SignJWT({ sub, role: "authenticated", aud: "authenticated", ...claims })
        .setProtectedHeader({ alg: "ES256", kid });
      if (lifeS !== null) token.setExpirationTime(Math.floor(Date.now() / 1000) + lifeS);
      return token.sign(privateKey);
    },
  };
}

/** Starts the Auth, and sets the environment, which is read on first use. `env` is added to it. */
export function authForFile(env: Record<string, string> = {}) {
  return forFile(async (parts) => {
    const [known, rotated] = await Promise.all([signer("known"), signer("rotated")]);
    const asked: string[] = [];
    const state = { known, rotated, asked, userStatus: 200, url: "" };
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      if (pathname === "/auth/v1/user") {
        return Response.json({ id: sub }, { status: state.userStatus });
      }
      return Response.json({ keys: [known.jwk, rotated.jwk] });
    });
    parts.defer(() => server.shutdown());
    state.url = `http://127.0.0.1:${server.addr.port}`;
    setEnvironment(parts, {
      SUPABASE_URL: state.url,
      SUPABASE_SERVICE_ROLE_KEY: "service-role-of-the-test",
      SUPABASE_JWKS: JSON.stringify({ keys: [known.jwk] }),
      ...env,
    });
    return state;
  });
}
