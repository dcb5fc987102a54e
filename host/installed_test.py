"""Where a checkout and an installed package keep their files."""

from pathlib import Path

import pytest

from host import installed


def test_everything_lies_where_it_is_said() -> None:
    for place in (installed.TEMPLATES / "CMakeLists.txt.jinja", installed.BOARDS / "virtual"):
        assert place.exists()
    assert (installed.SUITE / "conftest.py").is_file()
    assert installed.IS_CHECKOUT
    assert installed.own_folder() == installed.ROOT / "build"
    assert installed.setup_command() == "make setup"


@pytest.mark.parametrize(
    ("given", "wanted"), [("/x y/cäche", "/x y/cäche"), ("not/absolute", "HOME"), ("", "HOME")]
)
def test_an_installed_package_writes_to_the_users_cache(
    given: str, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "IS_CHECKOUT", False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    folder = tmp_path / ".cache" if wanted == "HOME" else Path(wanted)
    assert installed.own_folder() == folder / "nightjar"
    assert installed.setup_command("onnx").endswith(" -m pip install 'nightjar[onnx]'")
