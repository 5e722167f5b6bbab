"""Writing a plan down as two files."""

from pathlib import Path

from client.errors import OutputError
from orchestrator.migration.plan import Plan

SCRIPT, PROFILE = "export.sh", "profile.yaml"


def write(plan: Plan, folder: Path) -> None:
    """Writes `export.sh` and `profile.yaml`; what has these names already stays.

    Raises:
        OutputError: If one is there, or cannot be written.
    """
    texts = {SCRIPT: plan.script(), PROFILE: plan.profile()}
    for name in texts:
        if (folder / name).exists():
            raise OutputError(
                f"{folder / name} exists: remove it, or name another folder with --output."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _replace(folder / name, text)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}.") from error


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
