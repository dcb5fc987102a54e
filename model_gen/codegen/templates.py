"""The one place that renders templates of generated files."""

from typing import Any

import jinja2

from host.installed import TEMPLATES
from model_gen.codegen.c_text import printed


def _finalize(value: Any) -> Any:
    """What a template prints: nothing that was not made as text for it. A missing name says so itself."""
    return value if isinstance(value, jinja2.Undefined) else printed(value)


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8"),
    undefined=jinja2.StrictUndefined,
    finalize=_finalize,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,
)


def render(name: str, **context: Any) -> str:
    """The text of the template `name`, which prints, and neither computes nor forgives a missing name.

    Raises:
        TypeError: it would print something that `c_text` did not make, and that is no integer.
        jinja2.UndefinedError: a name is missing.
    """
    return _ENVIRONMENT.get_template(f"{name}.jinja").render(**context)
