/** An image reference with what Docker's conventions fill in. */
export interface ImageName {
  /** With the registry: `docker.io/library/nginx`. */
  readonly repository: string;
  /** `latest` when neither tag nor digest is given; empty when only a digest is. */
  readonly tag: string;
  /** `sha256:...`, or empty. */
  readonly digest: string;
}

const DOMAIN =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const PATH = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const MAX_NAME = 255;

/** Takes an image reference apart; undefined when it is malformed. */
export function parseImageName(image: string): ImageName | undefined {
  if (/^[a-f0-9]{64}$/.test(image)) return undefined;
  const at = image.indexOf("@");
  const digest = at < 0 ? "" : image.slice(at + 1);
  const rest = at < 0 ? image : image.slice(0, at);
  const colon = rest.lastIndexOf(":");
  const hasTag = colon > rest.lastIndexOf("/");
  const tag = hasTag ? rest.slice(colon + 1) : "";
  if ((hasTag && !TAG.test(tag)) || (at >= 0 && !DIGEST.test(digest))) return undefined;
  const name = splitDomain(hasTag ? rest.slice(0, colon) : rest);
  if (!DOMAIN.test(name.domain) || !PATH.test(name.path)) return undefined;
  const repository = `${name.domain}/${name.path}`;
  if (repository.length > MAX_NAME) return undefined;
  return { repository, tag: tag === "" && digest === "" ? "latest" : tag, digest };
}

function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  const domain = slash >= 0 && isDomain ? first : "docker.io";
  const path = slash >= 0 && isDomain ? name.slice(slash + 1) : name;
  if (domain !== "docker.io" && domain !== "index.docker.io") return { domain, path };
  return { domain: "docker.io", path: path.includes("/") ? path : `library/${path}` };
}
