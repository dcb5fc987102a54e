"""The doctor's checks of ST's stedgeai: which versions are here, and whether headers, runtime and compiler fit.

Nobody needs it: what was generated elsewhere is taken by `nightjar generate --from`.
"""

from typing import TYPE_CHECKING

from host.errors import NightjarError
from host.findings import Finding

if TYPE_CHECKING:
    from model_gen.codegen.neural_art.install import Install

NAME = "stedgeai"


def check_stedgeai() -> list[Finding]:
    """One finding for each installation; one alone where there is none, or what is named cannot be used."""
    from model_gen.codegen.neural_art.install import GET_IT, installs

    try:
        found = list(installs())
    except NightjarError as error:
        return [Finding(NAME, "NOTE", f"{error.what}: {error.evidence}", error.next_step, ())]
    if not found:
        return [Finding(NAME, "NOTE", "not found (generates for the Neural-ART)", GET_IT, ())]
    return [_finding(install, is_used=place == 0) for place, install in enumerate(found)]


def _finding(install: "Install", *, is_used: bool) -> Finding:
    from model_gen.codegen.neural_art.install import version_of
    from model_gen.codegen.neural_art.runtime import misfits, runtime_of

    name = NAME if is_used else f"{NAME} at {install.core}"
    try:
        version, dialect = version_of(install.program)
        runtime = runtime_of(install.core)
    except NightjarError as error:
        return Finding(name, "NOTE", f"{error.what}: {error.evidence}", error.next_step, ())
    where = f"{version} at {install.core}, by {install.told_by}"
    problems = misfits(version, dialect, runtime)
    if problems:
        remedy = f"install ST Edge AI Core {version} anew, all of it, or name another by STEDGEAI_CORE_DIR"
        return Finding(name, "NOTE", f"{where}: {'; '.join(problems)}", remedy, ())
    known = dialect.runtime(version)
    fit = (
        "fit each other" if known and dialect.compiler else "not seen before, so taken as they are"
    )
    detail = f"{where}; headers {runtime.headers}, {', '.join(runtime.libraries)}: {fit}"
    return Finding(name, "OK", detail, tiers=())
