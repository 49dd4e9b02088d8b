"""HTML from text that may be anything: what is no markup of ours is escaped."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Sequence
from string import Template
from typing import Any

from ..._tables import cell

_RESOLUTION = 150  # dots per inch of the pictures: sharp enough to print
_SHOWN = 100  # of them to an inch on the screen
_EMPTY = {"img", "meta", "br"}  # elements without an end


class Html(str):
    """Text that is markup already; any other text is escaped when it comes into a page."""

    __slots__ = ()


def escaped(value: Any) -> Html:
    """Markup as it is, everything else as text."""
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def tag(name: str, *children: Any, **attributes: Any) -> Html:
    """An element; attributes in Python's spelling, such as ``class_``.

    Examples
    --------
    >>> tag("p", "a < b", tag("b", "!"), class_="note")
    '<p class="note">a &lt; b<b>!</b></p>'
    """
    listed = "".join(f' {key.rstrip("_")}="{html.escape(str(value))}"' for key, value in attributes.items())
    if name in _EMPTY:
        return Html(f"<{name}{listed}>")
    return Html(f"<{name}{listed}>{''.join(map(escaped, children))}</{name}>")


def join(*parts: Any) -> Html:
    """Parts one after the other; None is left out."""
    return Html("\n".join(escaped(part) for part in parts if part is not None))


def paragraphs(*texts: Any, kind: str | None = None) -> Html:
    """A paragraph for each text that is not empty."""
    attributes = {} if kind is None else {"class_": kind}
    return join(*(tag("p", text, **attributes) for text in texts if text))


def bullets(texts: Sequence[Any]) -> Html:
    """A list of texts."""
    return tag("ul", *(tag("li", text) for text in texts))


def table(header: Sequence[Any], rows: Sequence[Sequence[Any]], *, numbers: bool = True) -> Html:
    """Rows below a header, the first column as names; `numbers` aligns the others to the right."""
    head = tag("tr", *(tag("th", name, scope="col") for name in header))
    body = [
        tag("tr", tag("th", cell(row[0]), scope="row"), *(tag("td", entry(v)) for v in row[1:]))
        for row in rows
    ]
    kind = "numbers" if numbers else "words"
    whole = tag("table", tag("thead", head), tag("tbody", *body), class_=kind)
    return tag("div", whole, class_="wide")


def entry(value: Any) -> Any:
    """A value of a table; an interval in brackets stays on one line."""
    if isinstance(value, Html):
        return value
    return re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", "\u00a0"), cell(value))


def facts(rows: Sequence[Sequence[Any]]) -> Html:
    """Two columns without a header: what, and its value."""
    body = [tag("tr", tag("th", entry(row[0]), scope="row"), tag("td", entry(row[1]))) for row in rows]
    return tag("div", tag("table", tag("tbody", *body), class_="facts"), class_="wide")


def picture(axes: Any, caption: str) -> Html:
    """The figure of matplotlib Axes as a picture inside the page, with its caption."""
    target = io.BytesIO()
    axes.figure.savefig(target, format="png", dpi=_RESOLUTION)
    data = base64.b64encode(target.getvalue()).decode("ascii")
    width, height = (round(_SHOWN * inches) for inches in axes.figure.get_size_inches())
    image = tag("img", src=f"data:image/png;base64,{data}", alt=caption, width=width, height=height)
    return tag("figure", image, tag("figcaption", caption))


def section(name: str, title: str, *parts: Any) -> Html:
    """A section of the page under its heading."""
    return tag("section", tag("h2", title), join(*parts), id=name)


def document(title: str, head: Html, sections: Sequence[tuple[str, str, Html]]) -> str:
    """The whole page: title, head, links to the sections, sections given as (name, title, markup)."""
    links = tag("nav", *(tag("a", label, href=f"#{name}") for name, label, _ in sections))
    return _PAGE.substitute(
        title=escaped(title), style=_STYLE, head=head, links=links,
        sections="\n".join(markup for _, _, markup in sections),
    )  # fmt: skip


_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="chaoskit">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<header>
<h1>$title</h1>
$head
</header>
$links
<main>
$sections
</main>
</body>
</html>
""")

_STYLE = """\
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 56rem; padding: 1.5rem 1.25rem 4rem; background: #fff; color: #222;
  font: 1rem/1.55 system-ui, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid #ddd; }
h3 { font-size: 1.02rem; margin: 1.4rem 0 .4rem; }
p, ul { margin: .5rem 0; max-width: 46rem; }
li { margin: .25rem 0; }
.verdict { border-left: .4rem solid #888; background: #f5f5f5; padding: .6rem .9rem; max-width: none; }
.verdict.good { border-color: #1b7f4d; background: #edf7f1; }
.verdict.bad { border-color: #b3261e; background: #fbeeed; }
.verdict.open { border-color: #b07a00; background: #fdf6e6; }
.verdict strong { text-transform: uppercase; letter-spacing: .03em; }
.hint { color: #555; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: 1rem 0 0; font-size: .92rem; }
a { color: #0059a0; }
figure { margin: 1rem 0; break-inside: avoid; }
img { max-width: 100%; height: auto; display: block; }
figcaption { color: #555; font-size: .9rem; max-width: 46rem; }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .9rem; line-height: 1.35; max-width: 100%; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #e3e3e3; vertical-align: top; text-align: left;
  overflow-wrap: break-word; }
thead th { border-bottom: 2px solid #999; font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; }
.numbers td, .numbers thead th:not(:first-child) { text-align: right; font-variant-numeric: tabular-nums; }
.facts th { color: #555; padding-left: 0; font-weight: 400; min-width: 9rem; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; }
  .wide { overflow: visible; }
  table { font-size: 8.5pt; }
  .verdict { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""
