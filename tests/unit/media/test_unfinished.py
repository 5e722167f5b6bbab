"""A file in the making: never seen before it is complete, and not left by a process that is killed.

Each promise holds on disks with nameless files and on those without.
"""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.media import unfinished
from orchestrator.media.unfinished import Hidden, Nameless, Unfinished, start_file

KILLED = """
import os, signal, sys
from pathlib import Path
from orchestrator.media.unfinished import start_file

file = start_file(Path(sys.argv[1]))
file.path.write_bytes(bytes(1000))
os.kill(os.getpid(), signal.SIGKILL)
"""


def without_nameless_files(_: Path) -> Nameless:
    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


def need_nameless_files(folder: Path) -> None:
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR))
    except OSError:
        pytest.skip("this disk has no nameless files")


@pytest.fixture
def nameless(tmp_path: Path) -> Nameless:
    need_nameless_files(tmp_path)
    file = start_file(tmp_path)
    assert isinstance(file, Nameless)
    return file


@pytest.fixture(params=["nameless", "hidden"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Unfinished:
    if request.param == "hidden":
        return Hidden(tmp_path)
    file: Nameless = request.getfixturevalue("nameless")
    return file


def test_a_disk_without_nameless_files_gets_a_hidden_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "Nameless", without_nameless_files)
    file = start_file(tmp_path)
    assert isinstance(file, Hidden)
    assert file.path.parent == tmp_path
    assert file.path.name.startswith(".")


def test_a_nameless_file_cannot_be_seen(tmp_path: Path, nameless: Nameless) -> None:
    nameless.path.write_text("work")
    assert list(tmp_path.iterdir()) == []
    assert nameless.path.read_text() == "work"


def test_it_appears_when_it_is_put_in_place(tmp_path: Path, file: Unfinished) -> None:
    file.path.write_text("done")
    file.put(tmp_path / "out")
    file.discard()
    assert (tmp_path / "out").read_text() == "done"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_it_gets_the_permissions_of_every_new_file(tmp_path: Path, file: Unfinished) -> None:
    (tmp_path / "other").touch()
    file.path.touch()
    file.put(tmp_path / "out")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_that_is_replaced_passes_its_permissions_on(
    tmp_path: Path, file: Unfinished
) -> None:
    output = tmp_path / "out"
    output.write_text("older")
    output.chmod(0o604)
    file.path.write_text("newer")
    file.put(output)
    assert output.read_text() == "newer"
    assert output.stat().st_mode & 0o777 == 0o604
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("older", [None, "older"])
def test_a_disk_that_names_no_nameless_file_gets_a_copy(
    tmp_path: Path, nameless: Nameless, monkeypatch: pytest.MonkeyPatch, older: str | None
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    output = tmp_path / "out"
    if older is not None:
        output.write_text(older)
    nameless.path.write_text("done")
    monkeypatch.setattr(os, "link", refuse)
    nameless.put(output)
    nameless.discard()
    assert output.read_text() == "done"
    assert list(tmp_path.iterdir()) == [output]


def test_what_is_discarded_leaves_nothing(tmp_path: Path, file: Unfinished) -> None:
    file.path.write_text("half")
    for _ in range(2):
        file.discard()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_put_in_place_leaves_nothing(tmp_path: Path, file: Unfinished) -> None:
    output = tmp_path / "out"
    output.mkdir()
    file.path.write_text("done")
    with pytest.raises(IsADirectoryError):
        file.put(output)
    file.discard()
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.usefixtures("nameless")
def test_a_process_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert list(tmp_path.iterdir()) == []
