/** The attributes that hold links, by tag (HTML 4 and 5), as upstream's proxy rewrites them. */
const LINKS: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  applet: ["codebase"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  command: ["icon"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["src", "usemap", "formaction"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
};

const TAG = /<([a-z]+)((?:\s+[^\s"'>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)+)(\s*\/?>)/gi;
const ATTRIBUTE = /(\s+)([^\s"'>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/g;

/**
 * Leads a proxied page's own absolute links back through the proxy: `base` is the path under which the client sees the page's
 * root, `origin` the page's own `scheme://host:port`. Links to other hosts and relative ones stay.
 */
export function rewriteLinks(html: string, base: string, origin: string): string {
  return html.replaceAll(TAG, (whole: string, tag: string, attributes: string, end: string) => {
    const links = LINKS[tag.toLowerCase()];
    if (!links) return whole;
    const rewritten = attributes.replaceAll(
      ATTRIBUTE,
      (pair: string, space: string, name: string, equals: string, value: string) => {
        if (!links.includes(name.toLowerCase())) return pair;
        const quote = value.startsWith('"') || value.startsWith("'") ? value.charAt(0) : "";
        const link = quote === "" ? value : value.slice(1, -1);
        const target = throughProxy(link, base, origin);
        return target === undefined ? pair : `${space}${name}${equals}${quote || '"'}${target}${quote || '"'}`;
      },
    );
    return `<${tag}${rewritten}${end}`;
  });
}

/** Where a link of the page leads by way of the proxy; undefined when it need not be changed. */
export function throughProxy(link: string, base: string, origin: string): string | undefined {
  const path = link.startsWith(`${origin}/`) ? link.slice(origin.length) : link;
  if (!path.startsWith("/") || path.startsWith("//") || path.startsWith(base)) return undefined;
  return `${base}${path}`;
}
