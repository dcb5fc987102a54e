"""For tests: a page as Chromium shows it, at any width, light or dark; measured by a script, or as a picture.

`python -m host.report.testing_browser PAGE.html docs/page` writes docs/page-light-1280.png, -dark-1280, -light-390
and -dark-390.
"""

import contextlib
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SECONDS = 300  # that end a hang
WIDTHS = (1280, 390)  # of a desk and of a phone
TALLEST = 2600  # pixels of a picture
# Nothing is asked of the network, and nothing is kept.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1"),
)
WRAPPER = """<!doctype html><meta charset="utf-8"><style>* {{ margin: 0; border: 0 }}</style>
{frames}<pre></pre>
<script>addEventListener("load", () => {{
  const measure = (page, view) => {{ {script} }};
  const frames = [...document.querySelectorAll("iframe")];
  const found = frames.map(frame => measure(frame.contentDocument, frame.contentWindow));
  document.querySelector("pre").textContent = JSON.stringify(found);
}});</script>"""
FRAME = '<iframe style="width: {width}px; height: {height}px" srcdoc="{page}"></iframe>'


def chromium() -> str | None:
    """The browser, where there is one."""
    return shutil.which("chromium")


def measured(page: str, script: str, widths: Sequence[int], *, dark: bool = False) -> list[Any]:
    """What the body of a JavaScript function returns for a page in a frame of each width: it sees `page`, the document,
    and `view`, its window."""
    frames = "".join(_frame(page, width, 900) for width in widths)
    shown = _chromium(WRAPPER.format(frames=frames, script=script), "--dump-dom", dark=dark)
    found: list[Any] = json.loads(html.unescape(shown.rsplit("<pre>", 1)[1].split("</pre>")[0]))
    return found


def picture(page: str, target: Path, *, width: int, height: int, dark: bool = False) -> None:
    """Write a PNG of a page in a frame of that size."""
    wrapped = WRAPPER.format(frames=_frame(page, width, height), script="")
    size = (f"--screenshot={target.resolve()}", f"--window-size={width},{height}")
    _chromium(wrapped, *size, dark=dark)


def _frame(page: str, width: int, height: int) -> str:
    return FRAME.format(width=width, height=height, page=html.escape(page))


def _chromium(page: str, *arguments: str, dark: bool) -> str:
    with tempfile.TemporaryDirectory(prefix="nightjar-") as name:
        folder = Path(name)
        (folder / "page.html").write_text(page, encoding="utf-8")
        (folder / "home").mkdir()
        command = [
            *(str(chromium()), *FLAGS, f"--user-data-dir={folder / 'profile'}"),
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            *(*arguments, (folder / "page.html").as_uri()),
        ]
        process = subprocess.Popen(
            command,
            env={**os.environ, "HOME": str(folder / "home")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(timeout=SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):  # its helpers may outlive it, and may not
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 0, errors.decode(errors="replace")[-2000:]
    return output.decode()


def photograph(page: Path, target: str) -> list[Path]:
    """Pictures of a page for the documentation: `target`-light-1280.png and so on, cut off at `TALLEST`."""
    text, made = page.read_text(encoding="utf-8"), []
    heights = measured(text, "return page.documentElement.scrollHeight", WIDTHS)
    for width, height in zip(WIDTHS, heights, strict=True):
        for mode in ("light", "dark"):
            made.append(Path(f"{target}-{mode}-{width}.png"))
            picture(text, made[-1], width=width, height=min(height, TALLEST), dark=mode == "dark")
    return made


if __name__ == "__main__":
    for written in photograph(Path(sys.argv[1]), sys.argv[2]):
        print(written)
