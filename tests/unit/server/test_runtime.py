"""A machine that cannot run the embedded server is told why in one sentence."""

from pathlib import Path

import pytest

from client.errors import ServerError
from orchestrator.server.runtime import check_glibc, find_python_library, find_runtime


def test_a_missing_environment_is_mended_by_make_setup(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"/none does not exist: run make setup\.$"):
        find_runtime(tmp_path / "none")


def test_an_environment_that_does_not_run_is_mended_by_a_new_one(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/false\n")
    python.chmod(0o700)
    with pytest.raises(ServerError, match="does not run: remove it and run make setup"):
        find_runtime(tmp_path)


@pytest.mark.parametrize("version", ["2.35", "2.36", "3.0", "2.100"])
def test_glibc_2_35_or_newer_is_enough(version: str) -> None:
    check_glibc(version)


@pytest.mark.parametrize(
    ("version", "found"), [("2.31", "glibc 2.31"), ("2.4", "glibc 2.4"), ("", "another C library")]
)
def test_an_older_c_library_is_named(version: str, found: str) -> None:
    with pytest.raises(ServerError, match=f"this system has {found}: use Debian 12"):
        check_glibc(version)


def test_libpython_is_found_in_the_first_folder_that_has_it(tmp_path: Path) -> None:
    library = tmp_path / "b" / "libpython3.11.so.1.0"
    library.parent.mkdir()
    library.touch()
    assert find_python_library("3.11", [tmp_path / "a", tmp_path / "b"]) == library


def test_a_missing_libpython_names_the_package(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"Debian and Ubuntu: libpython3\.12;"):
        find_python_library("3.12", [tmp_path])
