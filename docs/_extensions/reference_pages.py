"""The reference for Sphinx: the directive `public-names`, and links from wherever a name stands."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from typing import Any

from docutils import nodes
from public_names import PACKAGE, aliases, full_name_of, lookup, reference
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.ext import autosummary
from sphinx.util.docutils import SphinxDirective


class PublicNames(SphinxDirective):
    """All names whose page this is: a table, then each with its docstring."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        names = reference()[self.arguments[0]]
        lines = [".. autosummary::", "   :nosignatures:", "", *(f"   {name}" for name in names), ""]
        for name in names:
            lines += [*_entry(name), ""]
        return self.parse_text_to_nodes("\n".join(lines))


def _entry(full_name: str) -> list[str]:
    value = lookup(full_name)
    if not inspect.isclass(value):
        kind = "autofunction" if callable(value) else "autodata"
        return [f".. {kind}:: {full_name}", *([] if callable(value) else ["   :no-value:"])]
    lines = [f".. autoclass:: {full_name}", "   :members:"]
    if any(base.__module__.startswith(PACKAGE) for base in value.__bases__):
        lines.append("   :show-inheritance:")
    return lines


def _resolve(app: Sphinx, env: Any, node: nodes.Element, content: nodes.Element) -> nodes.Node | None:
    """Names that docstrings give without their module."""
    if node.get("refdomain") != "py":
        return None
    full_name = full_name_of(node["reftarget"], env.public_aliases)
    return None if full_name is None else _link(app, node.get("refdoc", ""), full_name, content)


def _link_literals(app: Sphinx, tree: nodes.document, page: str) -> None:
    """`fit` in a text becomes a link where it can be nothing else."""
    for literal in list(tree.findall(nodes.literal)):
        text = literal.astext()
        if isinstance(literal.parent, nodes.reference) or not _speaks_of_one_object(text):
            continue
        full_name = full_name_of(text, app.env.public_aliases)
        link = None if full_name is None else _link(app, page, full_name, literal.deepcopy())
        if link is not None:
            literal.replace_self(link)


def _speaks_of_one_object(text: str) -> bool:
    """Dotted, with a capital letter, or one of the names of the package itself."""
    package = importlib.import_module(PACKAGE)
    word = text.removesuffix("()")
    return bool(re.fullmatch(r"[\w.]+", word)) and (
        "." in word or word in package.__all__ or bool(re.match(r"[A-Z]\w", word))
    )


def _link(app: Sphinx, page: str, full_name: str, content: nodes.Element) -> nodes.Node | None:
    domain = app.env.domains.python_domain
    return domain.resolve_xref(app.env, page, app.builder, "obj", full_name, pending_xref(""), content)


def _without_fields(app: Sphinx, what: str, name: str, value: Any, skip: bool, options: Any) -> bool | None:
    """Fields of a NamedTuple stand among its parameters already."""
    return True if type(value).__name__ == "_tuplegetter" else None


def _signature(app, what, name, value, options, signature, returned) -> tuple[str | None, str | None]:
    """Defaults by their names; results and errors are never made by hand and have no signature."""
    if signature is None:
        return None, None  # no answer: numpydoc's would be an empty text, which autodoc cannot place
    result = inspect.isclass(value) and (dataclasses.is_dataclass(value) or issubclass(value, Exception))
    if result and "Parameters\n" not in (inspect.getdoc(value) or ""):
        return "", None
    return re.sub(r"<(?:class|function) '?(?:\w+\.)*(\w+)'?(?: at \w+)?>", r"\1", signature), returned


def _bars(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Bars in docstrings are absolute values and norms, not substitutions."""
    lines[:] = [line if line.lstrip().startswith(">>>") else line.replace("|", r"\|") for line in lines]


def _read_aliases(app: Sphinx) -> None:
    app.env.public_aliases = aliases()


def setup(app: Sphinx) -> dict[str, bool]:
    autosummary.WELL_KNOWN_ABBREVIATIONS += ("Eq.",)  # no sentence ends there
    app.add_directive("public-names", PublicNames)
    app.connect("builder-inited", _read_aliases)
    app.connect("missing-reference", _resolve)
    app.connect("doctree-resolved", _link_literals)
    app.connect("autodoc-skip-member", _without_fields)
    app.connect("autodoc-process-signature", _signature, priority=400)  # before numpydoc
    app.connect("autodoc-process-docstring", _bars, priority=600)  # after numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
