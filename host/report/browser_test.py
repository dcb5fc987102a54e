"""The page as a browser shows it: whole at a desk and on a phone, light and dark, whatever it has to show."""

from typing import Any

import pytest

from host.report.html import render
from host.report.testing_browser import chromium, measured
from host.report.testing_verdicts import HOSTILE, VERDICTS, long, spoiled

pytestmark = pytest.mark.skipif(chromium() is None, reason="needs chromium")
DESK, PHONE = 1280, 390
SCRIPT = r"""
const inside = box => node => {
  const rect = node.getBoundingClientRect();
  return rect.left >= box.left - 0.5 && rect.right <= box.right + 0.5;
};
const say = node => `${node.tagName}.${node.className} ${node.textContent.trim().slice(0, 40)}`;
const window_ = {left: 0, right: view.innerWidth};
const all = selector => [...page.querySelectorAll(selector)];

// Lines over which each figure or hash goes: a name is none, whatever it holds.
const broken = [];
const walk = page.createTreeWalker(page.body, view.NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const text = walk.currentNode;
  if (text.parentElement.closest("code, .name, script, style")) continue;
  for (const found of text.data.matchAll(/-?\d[\d\u2009\u202f.,]*|\b[0-9a-f]{8,}\b/g)) {
    const range = page.createRange();
    range.setStart(text, found.index);
    range.setEnd(text, found.index + found[0].length);
    const tops = new Set([...range.getClientRects()].filter(r => r.width).map(r => Math.round(r.top)));
    if (tops.size > 1) broken.push(found[0]);
  }
}

// WCAG's contrast of each text with what is behind it.
const channels = color => color.match(/[\d.]+/g).map(Number);
const luminance = color => {
  const [r, g, b] = channels(color).slice(0, 3).map(value => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = node => {
  for (; node; node = node.parentElement) {
    const color = view.getComputedStyle(node).backgroundColor;
    const parts = channels(color);
    if (parts.length === 3 || parts[3] === 1) return color;
  }
  return "rgb(255, 255, 255)";
};
const faint = all("h1, h2, p, b, span, dt, dd, th, td, footer, pre, figcaption, code").filter(node => {
  const [low, high] = [luminance(view.getComputedStyle(node).color), luminance(behind(node))].sort((a, b) => a - b);
  return node.textContent.trim() && (high + 0.05) / (low + 0.05) < 4.5;
});

return {
  scrolls: [page.documentElement.scrollWidth, page.documentElement.clientWidth],
  outside: all("main *").filter(node => !inside(window_)(node) && !node.closest("pre")).map(say),
  hidden: all("header *, .rows, .track, .card, dd, td").filter(node =>
    node.scrollWidth > node.clientWidth + 1 && view.getComputedStyle(node).display !== "inline").map(say),
  bars: all(".track").filter(track => !inside(track.closest(".rows").getBoundingClientRect())(track)
    || track.clientWidth < 60 || ![...track.children].every(inside(track.getBoundingClientRect()))).length,
  tracks: all(".track").length,
  broken, faint: faint.map(say),
  paper: luminance(view.getComputedStyle(page.body).backgroundColor),
};
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", VERDICTS)
def test_the_page_is_seen_whole(kind: str, dark: bool) -> None:
    page = render(VERDICTS[kind], title=long(0), note=long(1)).replace("<details", "<details open")
    found: list[dict[str, Any]] = measured(page, SCRIPT, [DESK, PHONE], dark=dark)
    for width, seen in zip((DESK, PHONE), found, strict=True):
        assert seen["scrolls"] == [width, width]
        for fault in ("outside", "hidden", "broken", "faint"):
            assert seen[fault] == [], (width, fault)
        counted = any(layer.instructions is not None for layer in VERDICTS[kind].layers)
        shares = 0 if VERDICTS[kind].coverage is None else 2
        assert seen["tracks"] == (len(VERDICTS[kind].layers) if counted else 0) + shares
        assert seen["bars"] == 0, width
        assert (seen["paper"] < 0.1) == dark


@pytest.mark.parametrize("kind", ["exact", "different", "different-much", "exact-bare"])
def test_a_hostile_name_in_every_field_is_text(kind: str) -> None:
    """No element, attribute or script comes of it, and the page still holds together."""
    elements = """
      const seen = [...page.querySelectorAll("*")].map(
        node => [node.tagName, ...node.getAttributeNames()].join(" ")).filter(name => name !== "WBR");
      return [seen, view.hacked === undefined && window.hacked === undefined,
              page.documentElement.scrollWidth, page.body.innerText.includes("<script>parent.hacked")];
    """
    plain = render(VERDICTS[kind], title="x", note="y")
    hostile = render(spoiled(VERDICTS[kind]), title=HOSTILE, note=HOSTILE)
    want = measured(plain, elements, [DESK, PHONE])
    got = measured(hostile, elements, [DESK, PHONE])
    for width, one, other in zip((DESK, PHONE), want, got, strict=True):
        assert other[0] == one[0]
        assert other[1:] == [True, width, True]
