import { type DerNode, read, readOid } from "./der.ts";

/** The parts of a distinguished name that Kubernetes uses: the user and its groups. */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

const COMMON_NAME = "2.5.4.3";
const ORGANIZATION = "2.5.4.10";

/** The subject of a DER certificate. Node's own text form cannot be told apart from a name that contains `+` or a newline. */
export function subjectOf(der: Buffer): Subject {
  const body = read(read(der)[0]?.content ?? Buffer.alloc(0))[0];
  const fields = read(body?.content ?? Buffer.alloc(0));
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  if (!subject) throw new RangeError("certificate has no subject");
  return parseName(subject);
}

/** Takes a distinguished name apart. */
export function parseName(name: DerNode): Required<Subject> {
  const organizations: string[] = [];
  let commonName = "";
  for (const set of read(name.content)) {
    for (const pair of read(set.content)) {
      const [type, value] = read(pair.content);
      if (!type || !value) continue;
      const id = readOid(type.content);
      if (id === COMMON_NAME) commonName = value.content.toString("utf8");
      if (id === ORGANIZATION) organizations.push(value.content.toString("utf8"));
    }
  }
  return { commonName, organizations };
}
