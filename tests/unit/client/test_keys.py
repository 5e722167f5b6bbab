"""A server's key lies where its user alone can read it, and is taken from nowhere else."""

import os
from pathlib import Path

import pytest

from client import keys
from client.errors import InputError, ServerError
from client.keys import Key, local_key, local_key_file, publish

PORT = 18001


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(keys, "FOLDER", tmp_path)
    return tmp_path


def test_a_published_key_is_found_by_its_port() -> None:
    key = Key.new()
    publish(key, PORT)
    assert local_key(PORT) == key
    assert local_key(PORT + 1) is None


def test_every_new_key_is_another_one() -> None:
    assert Key.new() != Key.new()


def test_a_key_file_is_for_its_user_alone() -> None:
    assert publish(Key.new(), PORT).stat().st_mode & 0o777 == 0o600


def test_a_later_key_takes_the_place_of_an_earlier_one(folder: Path) -> None:
    publish(Key.new(), PORT)
    key = Key.new()
    publish(key, PORT)
    assert local_key(PORT) == key
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("mode", [0o640, 0o602, 0o666])
def test_a_file_that_others_can_read_or_write_is_no_key(mode: int) -> None:
    publish(Key.new(), PORT).chmod(mode)
    assert local_key(PORT) is None


def test_a_link_is_no_key(folder: Path) -> None:
    real = publish(Key.new(), PORT).rename(folder / "elsewhere")
    local_key_file(PORT).symlink_to(real)
    assert local_key(PORT) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_another_users_file_is_no_key() -> None:
    os.chown(publish(Key.new(), PORT), 12345, -1)
    assert local_key(PORT) is None


def test_a_key_that_cannot_be_written_is_told_in_one_sentence(folder: Path) -> None:
    local_key_file(PORT).mkdir()
    with pytest.raises(ServerError, match=r"cannot be written to .*remove that file, or choose"):
        publish(Key.new(), PORT)
    assert len(list(folder.iterdir())) == 1


def test_a_key_file_of_a_server_elsewhere_holds_its_option(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("admin-key=s3cret\n", encoding="ascii")
    assert Key.read(path).grpc_headers == {"triton-grpc-protocol-admin-key": "s3cret"}
    assert Key.read(path).http_headers == {"admin-key": "s3cret"}


@pytest.mark.parametrize("text", ["", "s3cret", "=s3cret", "a b=c", "name=", "name=b c", "ä=b"])
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="key file"):
        Key.read(path)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere cannot be read \(No such file"):
        Key.read(tmp_path / "nowhere")


def test_a_key_does_not_show_itself() -> None:
    key = Key.new()
    assert key.secret not in repr(key)
