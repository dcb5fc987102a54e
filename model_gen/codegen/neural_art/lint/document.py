"""docs/npu-lint.md, made from the table.

python -m model_gen.codegen.neural_art.lint.document        write it
"""

from host.files import write_atomically
from host.installed import DOCS
from model_gen.codegen.neural_art.lint import TABLE

PLACE = DOCS / "npu-lint.md"
_HEAD = """# What the NPU gets wrong, and what to change

`nightjar lint TARGET` looks at a model, or at what stedgeai made of one, and says what the NPU will
compute otherwise than the model says, before there is a board. This page is made from the table in
`model_gen/codegen/neural_art/lint` by `python -m model_gen.codegen.neural_art.lint.document`.

```sh
nightjar lint model.tflite                          # two inputs are made up
nightjar lint bundle                                # on the bundle's own windows
nightjar lint model.tflite --inputs real.npy        # on yours
nightjar lint st_ai_output --model bundle           # network.c, its constants, and the executor
nightjar lint bundle --dialect 2.2 --fail-on warning --json lint.json
```

TARGET is a .tflite, a bundle, a network.c, or a folder that stedgeai or `nightjar generate
--backend neural_art` wrote. A model is taken as the compiler of `--dialect` is predicted to take it
(docs/npu-arithmetic.md); a network.c is read as it is, and is executed on real inputs.

Each finding has: the rule; where, as an op of the model or a node, an epoch and a line of
network.c; how sure it is (*proved on silicon*: bytes of boards follow the formula; *measured*: it
was computed on these inputs or from these constants; *inferred*: a bound, a prediction that was
fitted, or a report of others); from what it follows; its size in steps of the output; and what to
change. What is said to come of a change was computed: the layer is given the constants that the
compiler would choose after it, and runs on the same inputs.

Exit 20 when a finding is as severe as `--fail-on` asks, `error` by default; a note never counts. A
rule that could not be judged, for want of inputs, a model or a network.c, is listed with what it
lacks. `--json` writes `nightjar/lint/1`.

`nightjar quantize --npu-safe` does what leaves the model's function as it is: where sums are cut off
on the chunks that calibrate, the convolution gets one more kernel with a large sum, and a SLICE
behind it drops its output. The reference's outputs are the same bytes; what was done, and what the
lint still says, stands in the bundle's contract. Depthwise convolutions have no room for it. Scales
of dead channels and equalization are not done: they change the quantized model, and with RELU6
between the layers the float model, too.

| rule | name | severity | from | limit | what holds | what to do |
|---|---|---|---|---|---|---|
"""


def text() -> str:
    """The page."""
    rows = (
        f"| {r.code} | `{r.name}` | {r.severity} | {r.reads} | {_limit(r.limit)} | {_cell(r.says)} | "
        f"{_cell(r.mend[0].upper() + r.mend[1:])}. |\n"
        for r in TABLE
    )
    return _HEAD + "".join(rows)


def _limit(limit: float | None) -> str:
    if limit is None:
        return ""
    return f"{limit:,.0f}" if limit >= 10 else f"{limit:g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_atomically(PLACE, text().encode())
