"""`orchestrator validate` as a user runs it, and against a real server."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from client.errors import ServerUnavailableError
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.runtime import CHECKOUT
from orchestrator.validation.examine import examine
from orchestrator.validation.finding import Finding
from tests.unit.validation.good import change_manifest, write_model, write_repository

Change = Callable[[Path], None]


def validate(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", "validate", *map(str, arguments)],
        cwd=CHECKOUT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_repository(tmp_path / "repository")


def replaced(old: str, new: str) -> Change:
    def change(repository: Path) -> None:
        path = repository / "echo" / "config.pbtxt"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def test_the_shipped_repository_is_good_and_has_one_line_a_model() -> None:
    done = validate()

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == [
        "ok       face_detection: onnxruntime, version 1, batches of 16 at most",
        "ok       face_landmarks: onnxruntime, version 1, batches of 16 at most",
        "ok       landmark2face: onnxruntime, versions 1, 2, batches of 8 at most",
        "ok       wenet: onnxruntime, versions 1, 2, batches of 8 at most",
    ]
    assert done.stderr == ""


def test_an_error_is_told_with_its_place_and_mend(good: Path) -> None:
    replaced("count: 1", "count: 1 kind: KIND_GPU")(good)

    done = validate(good)

    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == [
        "error    echo/config.pbtxt:8: KIND_GPU makes every server without a GPU fail to load the "
        "model.",
        "         -> Remove kind; Triton takes a GPU where there is one. [instance-kind]",
    ]
    assert "ok       wenet: onnxruntime" in done.stdout
    assert done.stdout.splitlines()[-1] == f"1 error in {good}"
    assert done.stderr == ""


def test_warnings_alone_fail_only_when_asked_for(good: Path) -> None:
    (good / "echo" / "NOTICE").unlink()

    assert validate(good).returncode == 0
    assert validate(good, "--strict").returncode == 1


def test_json_holds_every_finding(good: Path) -> None:
    (good / "echo" / "NOTICE").unlink()
    replaced("count: 1", "")(good)

    done = validate(good, "--json")

    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["errors"], told["warnings"]) == (1, 1)
    assert [model["name"] for model in told["models"]][:2] == ["echo", "face_detection"]
    assert told["findings"][1] == {
        "rule": "instance-count",
        "level": "error",
        "file": "echo/config.pbtxt",
        "sentence": "An instance group has no count: a CPU server then starts two processes.",
        "mend": "Write instance_group [ { count: 1 } ].",
        "line": 8,
    }


def test_the_profile_says_which_models_keep_a_contract(good: Path, tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    text = (CHECKOUT / "configs" / "default.yaml").read_text()
    profile.write_text(text.replace("wenet: wenet", "wenet: echo"))

    done = validate(good, "--profile", profile)

    assert done.returncode == 1
    assert "echo version 1 asks for input 'x', which the role wenet does not give" in done.stdout


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing", "There is no model repository at"),
        ("empty", "is no model repository"),
        ("file", "There is no model repository at"),
        ("repository/echo", "is one model, not a repository"),
    ],
)
def test_what_is_no_repository_is_one_line(
    good: Path, tmp_path: Path, name: str, sentence: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()

    done = validate(tmp_path / name)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_odd_names_do_not_reach_the_terminal(good: Path) -> None:
    (good / "echo" / "1" / "\x1b[31mred\n.bin").write_text("x")

    done = validate(good)

    assert "\\x1b[31mred\\n.bin: The manifest does not list this file." in done.stdout


def test_files_that_nobody_may_read_are_findings(good: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    for name in ("config.pbtxt", "1/manifest.json", "1"):
        (good / "echo" / name).chmod(0)

    done = validate(good)

    assert done.returncode == 1
    assert "echo/config.pbtxt: The file cannot be read (Permission denied)." in done.stdout
    assert "Traceback" not in done.stderr


def test_the_help_teaches() -> None:
    text = " ".join(validate("--help", COLUMNS="200").stdout.split())

    for part in ("--against", "--profile", "--strict", "--json", "Example:", "Exit status 1"):
        assert part in text


def test_a_server_that_is_not_there_is_one_line(good: Path) -> None:
    done = validate(good, "--against", "127.0.0.1:1")

    assert done.returncode == 1
    assert done.stderr.startswith("error: No Triton server answers at 127.0.0.1:1")
    assert "--url" not in done.stderr


@pytest.mark.server
async def test_the_shipped_repository_is_what_its_server_serves(triton_url: str) -> None:
    done = validate("--against", triton_url)

    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("toys")
    for name in ("echo", "other"):
        write_model(repository / name)
    return repository


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def toy_server(toys: Path) -> AsyncIterator[EmbeddedServer]:
    """A server over two echoes."""
    if not (CHECKOUT / ".triton").is_dir():
        pytest.skip("the embedded server's environment .triton does not exist: run make setup")
    async with await EmbeddedServer.start(toys) as server:
        yield server


async def compared(repository: Path, url: str) -> list[Finding]:
    """What only the server shows."""
    found = (await examine(repository, {}, against=url)).findings
    return [finding for finding in found if finding.rule.startswith("server-")]


def add_version(repository: Path) -> None:
    shutil.copytree(repository / "echo" / "1", repository / "echo" / "2")
    replaced("versions: [ 1 ]", "versions: [ 1, 2 ]")(repository)


def other_file(repository: Path) -> None:
    change_manifest(repository / "echo", files={"model.onnx": "0" * 64})


def other_licence(repository: Path) -> None:
    change_manifest(repository / "echo", licence="MIT")


def rename_other(repository: Path) -> None:
    (repository / "other").rename(repository / "third")


DIFFERENCES: dict[str, tuple[Change, list[tuple[str, str, str]]]] = {
    "nothing": (lambda _: None, []),
    "another batch": (
        replaced("max_batch_size: 4", "max_batch_size: 9"),
        [("error", "echo/config.pbtxt:4", "has max_batch_size 4, and the file says 9")],
    ),
    "other dims": (
        replaced("dims: [4]", "dims: [7]"),
        [("error", "echo/config.pbtxt:5", "the input x FP32 [4], and the file says x FP32 [7]")],
    ),
    "another output": (
        replaced('output [ { name: "y"', 'output [ { name: "z"'),
        [
            ("error", "echo/config.pbtxt:6", "has no output z, and the file says z FP32 [4]"),
            ("error", "echo/config.pbtxt:6", "has the output y FP32 [4], and the file says not"),
        ],
    ),
    "more instances": (
        replaced("count: 1", "count: 3"),
        [("error", "echo/config.pbtxt:8", "has 1 instances, and the file says 3")],
    ),
    "a longer wait": (
        replaced("microseconds: 100", "microseconds: 200"),
        [("error", "echo/config.pbtxt:7", "a queue delay of 100 µs, and the file says a queue")],
    ),
    "a parameter": (
        replaced("max_b", 'parameters { key: "k" value: { string_value: "v" } }\nmax_b'),
        [("error", "echo/config.pbtxt:4", "has nothing for the parameter k, and the file says v")],
    ),
    "a version that is not loaded": (
        add_version,
        [("error", "echo/config.pbtxt:9", "does not have version 2 ready")],
    ),
    "a version that is not wanted": (
        replaced("versions: [ 1 ]", "versions: [ 5 ]"),
        [("warning", "echo/config.pbtxt:9", "has version 1 ready, which version_policy does not")],
    ),
    "another file": (
        other_file,
        [("error", "echo/config.pbtxt:17", "version 1 has another model.onnx (its sha256 differ")],
    ),
    "another manifest": (
        other_licence,
        [("error", "echo/config.pbtxt:17", "version 1 has another manifest (licence)")],
    ),
    "other models": (
        rename_other,
        [
            ("error", "third", "does not serve the model"),
            ("warning", "other", "serves a model that the repository lacks"),
        ],
    ),
}


@pytest.mark.server
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("change", "expected"), DIFFERENCES.values(), ids=DIFFERENCES)
async def test_a_difference_to_a_server_is_told_with_its_line(
    toy_server: EmbeddedServer,
    toys: Path,
    tmp_path: Path,
    change: Change,
    expected: list[tuple[str, str, str]],
) -> None:
    repository = shutil.copytree(toys, tmp_path / "repository")
    change(repository)

    found = await compared(repository, toy_server.url)

    assert len(found) == len(expected), found
    for finding, (level, place, sentence) in zip(found, expected, strict=True):
        assert (finding.level, finding.place) == (level, place)
        assert sentence in finding.sentence


async def test_a_server_that_does_not_answer_is_the_usual_error(good: Path) -> None:
    with pytest.raises(ServerUnavailableError, match="check --against"):
        await compared(good, "127.0.0.1:1")
