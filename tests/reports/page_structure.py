"""What a page's skeleton must be for those who hear it or walk it by keyboard; run in a browser."""

from __future__ import annotations

# Gives a list of faults: headings that skip a level, landmarks that sound alike, places where Tab
# stops though there is nothing to do, and boxes that scroll though no key reaches them.
STRUCTURE = """
const faults = [];
const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
  .filter((heading) => heading.checkVisibility());
headings.forEach((heading, at) => {
  const level = Number(heading.tagName[1]), last = at ? Number(headings[at - 1].tagName[1]) : 0;
  if (level > last + 1) faults.push(`h${level} after h${last}: ${heading.textContent}`);
});
if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
const labelled = (e) => (e.getAttribute("aria-labelledby") ?? "").split(" ")
  .map((id) => document.getElementById(id)?.textContent).join(" ");
const landmarks = [...document.querySelectorAll(
  "main, nav, section[aria-labelledby], section[aria-label], [role=region], body > footer")]
  .map((e) => `${e.tagName} ${e.getAttribute("aria-label") ?? labelled(e)}`);
if (new Set(landmarks).size !== landmarks.length) faults.push(`landmarks ${landmarks}`);
const wide = (e) => e.scrollWidth > e.clientWidth + 1, high = (e) => e.scrollHeight > e.clientHeight + 1;
const named = (e) => `${e.className} ${e.getAttribute("aria-label")}`;
for (const e of document.querySelectorAll("[tabindex='0']")) {
  const useful = e.matches("a[href], button, input, select, summary, .dot") || wide(e) || high(e);
  if (!useful) faults.push(`dead stop ${named(e)}`);
}
for (const e of document.querySelectorAll(".scroll")) {
  if (e.checkVisibility() && wide(e) && e.tabIndex !== 0) faults.push(`unreachable ${named(e)}`);
}
return faults;
"""  # noqa: E501
