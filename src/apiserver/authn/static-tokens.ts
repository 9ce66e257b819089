import { createHash } from "node:crypto";
import type { Logger } from "../../kit/index.ts";
import type { UserInfo } from "../seams/index.ts";
import type { TokenAuthenticator } from "./bearer.ts";
import { authenticated } from "./groups.ts";

/**
 * Tokens from a file (`--token-auth-file`): lines of token, user name, user uid and, quoted, groups with commas between.
 * They live as long as the server does. `path` is only for messages. Throws when a line has too few columns.
 */
export function staticTokenAuthenticator(text: string, path: string, log: Logger): TokenAuthenticator {
  const users = new Map<string, UserInfo>();
  for (const [i, record] of parseCsv(text).entries()) {
    const [token = "", name = "", uid = "", groups] = record;
    if (record.length < 3) {
      const found = `must have at least 3 columns (token, user name, user uid), found ${record.length}`;
      throw new Error(`token file '${path}' ${found}`);
    }
    if (token === "") log.warn("Empty token in token file", { path, record: i + 1 });
    else {
      const key = digest(token);
      if (users.has(key)) log.warn("Duplicate token in token file", { path, record: i + 1 });
      const user = { name, ...(uid !== "" && { uid }), groups: groups === undefined ? [] : groups.split(",") };
      users.set(key, authenticated(user));
    }
  }
  return { name: "tokenfile", authenticateToken: (token) => Promise.resolve(users.get(digest(token))) };
}

/** Comparing digests tells nobody how much of a guess was right. */
function digest(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}

/** Records of comma-separated fields, quoted where they have commas (RFC 4180). Empty lines are no records. */
export function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let field = "";
  let quoted = false;
  const endField = (): void => {
    record.push(field);
    field = "";
  };
  const endRecord = (): void => {
    if (record.length === 0 && field === "") return;
    endField();
    records.push(record);
    record = [];
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted && char === '"' && text[i + 1] === '"') field += text[++i];
    else if (char === '"' && (quoted || field === "")) quoted = !quoted;
    else if (!quoted && char === ",") endField();
    else if (!quoted && char === "\n") endRecord();
    else if (quoted || char !== "\r" || text[i + 1] !== "\n") field += char;
  }
  endRecord();
  return records;
}
