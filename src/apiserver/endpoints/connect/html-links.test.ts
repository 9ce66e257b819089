import { describe, expect, it } from "vitest";
import { rewriteLinks } from "./html-links.ts";

const BASE = "/api/v1/namespaces/ns/pods/p/proxy";

describe("rewriteLinks", () => {
  it.each([
    ['<a href="/rewriteme">test</a>', `<a href="${BASE}/rewriteme">test</a>`],
    ["<a class=x href='/a?b=c#d'>", `<a class=x href='${BASE}/a?b=c#d'>`],
    ["<img src=/logo.png>", `<img src="${BASE}/logo.png">`],
    ['<script src="http://10.0.0.1:80/app.js"></script>', `<script src="${BASE}/app.js"></script>`],
    ['<a href="relative">', '<a href="relative">'],
    ['<a href="http://other/x">', '<a href="http://other/x">'],
    ['<a href="//other/x">', '<a href="//other/x">'],
    [`<a href="${BASE}/x">`, `<a href="${BASE}/x">`],
    ['<p title="/x">text /x</p>', '<p title="/x">text /x</p>'],
    ['<a title="/t" href="/h">', `<a title="/t" href="${BASE}/h">`],
    ["plain < text > here", "plain < text > here"],
  ])("%s", (html, expected) => {
    expect(rewriteLinks(html, BASE, "http://10.0.0.1:80")).toBe(expected);
  });

  it.each([`<a ${"x=".repeat(50_000)}`, `<a${" b".repeat(50_000)}`])(
    "is done with a hostile page at once",
    (html) => {
      expect(rewriteLinks(html, BASE, "http://h")).toBe(html);
    },
    2000,
  );
});
