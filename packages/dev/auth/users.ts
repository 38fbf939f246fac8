/** Users, kept where Supabase Auth keeps them: in auth.users, passwords as bcrypt hashes. */
import type { Sql } from "postgres";
import { z } from "zod";

const metadata = z.record(z.string(), z.unknown());
const time = z.date().transform((date) => date.toISOString());

const userRow = z.object({
  id: z.uuid(),
  aud: z.string(),
  role: z.string(),
  email: z.string(),
  email_confirmed_at: time.nullable(),
  last_sign_in_at: time.nullable(),
  app_metadata: metadata,
  user_metadata: metadata,
  is_anonymous: z.boolean(),
  created_at: time,
  updated_at: time,
});
export type AuthUser = z.infer<typeof userRow>;

export interface NewUser {
  id?: string | undefined;
  email: string;
  password: string;
  confirmed: boolean;
  userMetadata?: Record<string, unknown> | undefined;
  appMetadata?: Record<string, unknown> | undefined;
}

export interface Users {
  /** Undefined when the address is taken. */
  create(user: NewUser): Promise<AuthUser | undefined>;
  find(id: string): Promise<AuthUser | undefined>;
  /** The user with this address and password, its sign-in noted; undefined when there is none. */
  signIn(email: string, password: string): Promise<AuthUser | undefined>;
}

/** `sql` must be allowed to read and write auth.users. */
export function usersIn(sql: Sql): Users {
  const columns = sql`
    id, aud, role, email, email_confirmed_at, last_sign_in_at, raw_app_meta_data as app_metadata,
    raw_user_meta_data as user_metadata, is_anonymous, created_at, updated_at`;
  const first = (rows: Iterable<unknown> & ArrayLike<unknown>) =>
    rows.length > 0 ? userRow.parse(rows[0]) : undefined;

  return {
    async create(user) {
      const id = user.id ?? crypto.randomUUID();
      const email = user.email.toLowerCase();
      const appMetadata = { provider: "email", providers: ["email"], ...user.appMetadata };
      const userMetadata = {
        sub: id,
        email,
        email_verified: user.confirmed,
        phone_verified: false,
      };
      return first(
        await sql`
          insert into auth.users (
            instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
            raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
            confirmation_token, recovery_token, email_change, email_change_token_new
          ) values (
            '00000000-0000-0000-0000-000000000000', ${id}, 'authenticated', 'authenticated', ${email},
            extensions.crypt(${user.password}, extensions.gen_salt('bf')),
            case when ${user.confirmed} then now() end,
            ${JSON.stringify(appMetadata)}::text::jsonb,
            ${JSON.stringify({ ...userMetadata, ...user.userMetadata })}::text::jsonb,
            now(), now(), '', '', '', ''
          )
          on conflict (email) where is_sso_user = false do nothing
          returning ${columns}`,
      );
    },
    find: async (id) => first(await sql`select ${columns} from auth.users where id = ${id}`),
    signIn: async (email, password) =>
      first(
        await sql`
          update auth.users set last_sign_in_at = now(), updated_at = now()
          where email = ${email.toLowerCase()} and is_sso_user = false
            and encrypted_password = extensions.crypt(${password}, encrypted_password)
          returning ${columns}`,
      ),
  };
}

/** A user as Auth's API shows it. */
export function userAnswer(user: AuthUser) {
  return {
    ...user,
    phone: "",
    confirmed_at: user.email_confirmed_at,
    identities: [{
      identity_id: user.id,
      id: user.id,
      user_id: user.id,
      identity_data: user.user_metadata,
      provider: "email",
      last_sign_in_at: user.last_sign_in_at,
      created_at: user.created_at,
      updated_at: user.updated_at,
      email: user.email,
    }],
  };
}
