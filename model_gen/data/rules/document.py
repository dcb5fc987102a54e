"""docs/data-rules.md, made from the table.

python -m model_gen.data.rules.document        write it
"""

from host.files import write_atomically
from host.installed import DOCS
from model_gen.data.rules import TABLE

PLACE = DOCS / "data-rules.md"
_HEAD = """# Rules that data are held against

`nightjar data FOLDER` looks at every recording and says what is wrong; `nightjar train` looks
first, too, and does not begin where a rule refuses. A warning changes nothing. This page is made
from the table in `model_gen/data/rules` by `python -m model_gen.data.rules.document`.

| rule | severity | limit | what holds | what to do |
|---|---|---|---|---|
"""


def text() -> str:
    """The page."""
    rows = (
        f"| `{r.name}` | {r.severity} | {'' if r.limit is None else r.limit} | {r.says} | "
        f"{_cell(r.mend)} |\n"
        for r in TABLE
    )
    return _HEAD + "".join(rows)


def _cell(text: str) -> str:
    return text[0].upper() + text[1:].replace("|", "\\|") + "."


if __name__ == "__main__":
    write_atomically(PLACE, text().encode())
