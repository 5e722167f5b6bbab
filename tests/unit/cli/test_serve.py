"""`orchestrator serve` keeps all models running, or only those that some profiles name."""

from pathlib import Path

import pytest

from client.errors import InputError
from orchestrator.cli import serve as command
from orchestrator.cli.serve import serve_command

BUILT_IN = {"face_detection", "face_landmarks", "landmark2face", "wenet"}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The models of every server that was started."""
    asked: list[object] = []

    async def serve(repository: Path, **options: object) -> None:
        asked.append(options["models"])

    monkeypatch.setattr(command, "serve", serve)
    return asked


def test_all_models_are_served_by_default(served: list[object]) -> None:
    serve_command()
    assert served == [None]


def test_only_the_models_of_a_profile_are_served(served: list[object]) -> None:
    serve_command(profile=["default"])
    assert served == [sorted(BUILT_IN)]


def test_the_models_of_several_profiles_are_served_together(served: list[object]) -> None:
    serve_command(profile=["default", "heygem"])
    assert served == [sorted(BUILT_IN | {"heygem_wenet", "heygem_landmark2face"})]


def test_a_profile_that_is_not_there_is_told(served: list[object]) -> None:
    with pytest.raises(InputError, match="'nosuch' cannot be read"):
        serve_command(profile=["nosuch"])
    assert served == []
