"""Whatever a text is, a comment stays one on one line, a string comes back, and a template prints nothing else."""

import re
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from host import installed
from model_gen.codegen import c_text, templates
from model_gen.codegen.c_text import Text

# Every character, lone surrogates too, and often those that mean something.
ANY = st.text(
    st.one_of(
        st.sampled_from(
            '*/\\"?\n\r\v\f\t\0\x1b\x7f\x85#%{}();$ a0\u2028\u2029\u200f\u202e\ufeff\ud800\udfff'
        ),
        st.characters(exclude_categories=()),
    ),
    max_size=80,
)
NASTY = (
    *("*\\/", "*/", "/*", "**//", "/*/", "\\*", "*\\\\/", "\\", "*\\", "??/", "???/", "?\\?/", "*??/\n/"),
    *("\\\n", "\\ \n", "a\nb", "a\r\nb", "\u2028", "\u2029", "\u202e*/", "\0", "\x1b[2J", "", " ", "*", "/"),
    *("*\\/ __attribute__((constructor)) void f(void) { ((void(*)(void))0x1234)(); } /\\*", "é*/", "*\ud800/"),
    *('"', '\\"', '"; int x; //', "%s", "{{ 7 }}", "{% raw %}", "?" * 9, "0\\0", "\\x41" "F", "\x011"),
)  # fmt: skip
TRIGRAPHS = dict(zip("=/'()!<>-", "#\\^[]|{}~", strict=True))
COMPILE = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-x", "c"]


def translated(source: str) -> str:
    """Phases 1 and 2 of a C compiler: trigraphs, and lines that are joined."""
    source = re.sub(r"\?\?([=/'()!<>-])", lambda found: TRIGRAPHS[found[1]], source)
    return re.sub(r"\\[ \t]*\n", "", source)


def without_comments(source: str) -> str:
    """Phase 3, of a source without strings: each comment is a blank."""
    rest, code = translated(source), ""
    while "/*" in rest:
        before, _, behind = rest.partition("/*")
        code, rest = code + before + " ", behind.partition("*/")[2]
    return code + rest


def each(function: Any) -> Any:
    for text in NASTY:
        function = example(text)(function)
    return given(ANY)(function)


@each
def test_a_comment_is_one_comment_on_one_line(text: str) -> None:
    made = c_text.comment(text)
    assert set(made) <= set(map(chr, range(0x20, 0x7F))) - {"\\"}
    assert made.startswith("/* ")
    assert made.endswith(" */")
    assert not [pair for pair in ("/*", "*/", "??") if pair in made[2:-2]]
    assert without_comments(f"int a;{made}int b;") == "int a; int b;"


@given(st.text(st.sampled_from("abcXYZ_0189./:;=-+()[] ,"), max_size=60))
def test_a_comment_of_an_ordinary_name_is_the_name(name: str) -> None:
    assert c_text.comment(name) == f"/* {name} */"


@settings(max_examples=8)
@given(st.lists(ANY, min_size=30, max_size=60))
@example(list(NASTY))
def test_a_compiler_takes_comments_and_strings_for_what_they_are(texts: list[str]) -> None:
    """In one file: each comment behind an int, each string as the bytes that it shows."""
    lines = [f"int v{i}; {c_text.comment(text)}" for i, text in enumerate(texts)]
    for i, text in enumerate(texts):
        data = text.encode("utf-8", "surrogatepass")
        numbers = ", ".join(f"(char){byte}" for byte in data) or "0"
        lines.append(f"static const char s{i}[] = {c_text.string(text)};")
        lines.append(f"static const char n{i}[] = {{{numbers}}};")
        lines.append(f"_Static_assert(sizeof(s{i}) == {len(data)} + 1, {c_text.string(text)});")
        lines.append(f"int t{i}(void) {{ return s{i}[0] == n{i}[0]; }}")
    source = "\n".join(lines) + "\n"
    raw = subprocess.run(
        [*COMPILE, "-E", "-P", "-"], input=source.encode(), capture_output=True, check=True
    )
    kept = raw.stdout.decode().split("\n")
    assert [line.rstrip() for line in kept if line.startswith("int v")] == [
        f"int v{i};" for i in range(len(texts))
    ]
    command = [*COMPILE, "-fsyntax-only", "-"]
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]


def test_strings_come_back_from_a_program(tmp_path: Path) -> None:
    texts = [*NASTY, "".join(map(chr, range(256))), "1" * 300, "\x001\x012\x7f9"]
    source = "#include <stdio.h>\nint main(void)\n{\n"
    for text in texts:
        source += f"    {{ static const char s[] = {c_text.string(text)}; fwrite(s, 1, sizeof(s), stdout); }}\n"
    (tmp_path / "s.c").write_text(source + "    return 0;\n}\n", encoding="ascii")
    subprocess.run([*COMPILE, tmp_path / "s.c", "-o", tmp_path / "s"], check=True)
    shown = subprocess.run([tmp_path / "s"], capture_output=True, check=True).stdout
    assert shown == b"".join(text.encode("utf-8", "surrogatepass") + b"\0" for text in texts)


def unescaped(literal: str) -> bytes:
    """What a C compiler makes of a literal whose only escapes are octal."""
    assert literal[0] == literal[-1] == '"'
    inner = translated(literal[1:-1])
    pieces = re.findall(r"\\([0-7]{1,3})|([^\"\\\n])", inner)
    assert sum(len(octal) + 1 if octal else 1 for octal, _ in pieces) == len(inner)
    return b"".join(
        bytes([int(octal, 8)]) if octal else plain.encode("ascii") for octal, plain in pieces
    )


@each
def test_a_string_comes_back(text: str) -> None:
    assert unescaped(c_text.string(text)) == text.encode("utf-8", "surrogatepass")
    assert unescaped(c_text.string(text.encode("utf-16", "surrogatepass"))) == text.encode(
        "utf-16", "surrogatepass"
    )


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
ALLOWED = {
    c_text.identifier: LETTERS + DIGITS + "_",
    c_text.constant: LETTERS + DIGITS + "_.+-",
    c_text.word: LETTERS + DIGITS + "_./+=-",
    c_text.flag: LETTERS + DIGITS + "_+=-",
    c_text.phrase: LETTERS + DIGITS + "_ ,.:;=()+-",
    c_text.code: LETTERS + DIGITS + "_ +-*&()[]{}.,;=",
}


@pytest.mark.parametrize("function", ALLOWED, ids=lambda f: str(f.__name__))
@each
def test_words_are_taken_as_they_are_or_refused(function: Any, text: str) -> None:
    try:
        made = function(text)
    except ValueError:
        return
    assert made == text
    assert set(text) <= set(ALLOWED[function])


@pytest.mark.parametrize(
    ("function", "taken", "refused"),
    [
        (c_text.identifier, ["nj_op1", "_x"], ["", "1a", "a b", "a\n", "é", "a-b"]),
        (
            c_text.constant,
            ["NJ_A", "-128", "0x1.8p-3f", "12"],
            ["", "--1", "1+1", "a b", "-x", "1\n"],
        ),
        (c_text.word, ["core/nj_run.c", "a-b"], ["", "-rf", "a b", "$(x)", "a;b", "a\n"]),
        (c_text.flag, ["-O2", "-std=c11"], ["O2", "-", "-a b", "-D'x'", "-I/usr", "-a\n"]),
        (c_text.phrase, ["", "Do not edit."], ["a*/", "a\n", "`x`", "<b>", "a/b", '"']),
    ],
)
def test_what_words_are(function: Any, taken: list[str], refused: list[str]) -> None:
    assert [function(text) for text in taken] == taken
    for text in refused:
        with pytest.raises(ValueError, match="not of the form"):
            function(text)


def test_code_takes_only_what_was_made() -> None:
    name = c_text.identifier("x")
    assert c_text.code("{}[{}] = {{}, {}};", name, 3, name, -1) == "x[3] = {x, -1};"
    for wrong in ("x", "*/", 1.5, None, name + "y", f"{name}", name[:1], name.upper()):
        with pytest.raises(TypeError, match="may not be printed"):
            c_text.code("{}", wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="may not be printed"):
            c_text.joined(", ", [wrong])  # type: ignore[list-item]
        with pytest.raises(TypeError, match="may not be printed"):
            c_text.wrapped([wrong])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="2 parts"):
        c_text.code("{}", name, name)
    for form in ("{} /* x */", '"{}"', "{}\n", "#define {}", "{}\\", "a ? {} : b"):
        with pytest.raises(ValueError, match="not of the form"):
            c_text.code(form, name)


def test_nothing_else_makes_text() -> None:
    with pytest.raises(TypeError):
        Text("*/")

    class Mine(Text):
        pass

    mine = str.__new__(Mine, "*/")
    with pytest.raises(TypeError, match="may not be printed"):
        c_text.printed(mine)


def test_numbers() -> None:
    assert c_text.integers(np.array([-(2**31), -1, 0, 2**31 - 1]).astype(np.int32)) == [
        "(-2147483647 - 1), -1, 0, 2147483647,"
    ]
    assert c_text.integers(np.zeros(0, np.int8)) == []
    assert float.fromhex(c_text.double(0.1)) == 0.1
    lines = c_text.wrapped(c_text.integer(i) for i in range(1000))
    assert max(map(len, lines)) <= c_text.COLUMNS
    assert [int(item) for line in lines for item in line.rstrip(",").split(",")] == [*range(1000)]
    many = np.random.default_rng(0).integers(-(2**31), 2**31, 1000)
    many[::7] = -(2**31)
    many[::3] %= 128
    printed = c_text.wrapped(c_text.integer(int(i)) for i in many)
    assert c_text.integers(many.astype(np.int32)) == printed
    few = many.astype(np.int8)
    assert c_text.integers(few) == c_text.integers(few.astype(np.int32))
    for wrong in (float("nan"), float("inf"), -float("inf")):
        for function in (c_text.single, c_text.double):
            with pytest.raises(ValueError, match="no constant"):
                function(wrong)


NAMES = sorted(path.name.removesuffix(".jinja") for path in installed.TEMPLATES.glob("*.jinja"))
HASHED = {"CMakeLists.txt", "README.md", "nj_weights.h", "nj_weights.c", "nj_model.c"}


@pytest.mark.parametrize("name", NAMES)
def test_a_template_only_prints(name: str) -> None:
    """No macro, filter or literal of its own could make text; `length` gives a number."""
    source = (installed.TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8")
    found = jinja2.Environment().parse(source)
    tags = (jinja2.nodes.Macro, jinja2.nodes.Assign, jinja2.nodes.FilterBlock, jinja2.nodes.Include)
    assert not list(found.find_all((*tags, jinja2.nodes.Call, jinja2.nodes.Concat)))
    assert {node.name for node in found.find_all(jinja2.nodes.Filter)} <= {"length"}
    for output in found.find_all(jinja2.nodes.Output):
        assert not [node for node in output.nodes if isinstance(node, jinja2.nodes.Const)]


@pytest.mark.parametrize("name", sorted(HASHED))
@pytest.mark.parametrize("raw", ["from a model */", "harmless", 1.5, None])
def test_a_raw_string_cannot_reach_a_template(name: str, raw: object) -> None:
    with pytest.raises(TypeError, match="may not be printed"):
        templates.render(name, banner=raw, board=raw)


def test_a_missing_name_is_said() -> None:
    with pytest.raises(jinja2.UndefinedError, match="banner"):
        templates.render("nj_weights.h")
