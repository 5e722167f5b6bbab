"""Out of a server's log comes the one reason that a user can act on."""

from pathlib import Path

import pytest

from client.errors import InputError
from orchestrator.server.log import ServerLog, failure, last_error, port_taken

NOISE = 'E1122 19:12:21.091567 9269 server.cc:241] "CudaDriverHelper has not been initialized."\n'
LOAD = (
    "E1122 19:12:21.386274 9269 model_lifecycle.cc:642] \"failed to load 'wenet' version 1: "
    "Internal: ValueError: input speech is TYPE_FP32; make them the same\\n\\nAt:\\n"
    '  /x/model.py(14): initialize\\n"\n'
)
FATAL = "error: creating server: Internal - failed to load all models\n"
PARSER = "[libprotobuf ERROR text_format.cc:337] Error parsing config: 4:17: Expected integer\n"
POLL = (
    'E1122 19:13:50.821838 1 model_repository_manager.cc:1460] "Poll failed for model directory '
    "'echo': failed to read text proto\"\n"
)
PORT = (
    'E1122 19:13:45.695535 1 main.cc:245] "failed to start GRPC service: Unavailable - Socket '
    "'127.0.0.1:8001' already in use \"\n"
)


def test_the_model_and_the_reason_are_told_without_trace_and_noise() -> None:
    assert failure(NOISE + LOAD + FATAL) == (
        "failed to load 'wenet' version 1: input speech is TYPE_FP32; make them the same"
    )


def test_a_configuration_that_does_not_parse_is_told_with_its_line() -> None:
    assert failure(NOISE + PARSER + POLL + FATAL) == (
        "Error parsing config: 4:17: Expected integer; Poll failed for model directory 'echo': "
        "failed to read text proto"
    )


def test_a_port_in_use_is_recognised() -> None:
    assert port_taken(NOISE + PORT)
    assert not port_taken(NOISE + LOAD)


def test_the_final_error_serves_where_nothing_better_is_logged() -> None:
    assert failure(NOISE + FATAL) == "creating server: Internal - failed to load all models"


def test_the_last_line_serves_where_no_error_is_logged() -> None:
    assert failure("bash: libstdc++.so.6: not found\n\n") == "bash: libstdc++.so.6: not found"


INFO = 'I1122 19:12:22.091567 9269 http_server.cc:370] "Started Metrics Service at 127.0.0.1:2"\n'
RUNNING = 'E1122 19:13:45.695535 1 python_be.cc:1959] "Stub process is unhealthy."\n'


@pytest.mark.parametrize("text", ["", INFO, NOISE + INFO])
def test_a_log_without_a_reason_gives_none(text: str) -> None:
    assert failure(text) is None
    assert last_error(text) is None


def test_the_last_error_of_a_running_server_is_no_information_and_no_noise() -> None:
    assert last_error(INFO + RUNNING + NOISE + INFO) == "Stub process is unhealthy"


def test_only_what_was_written_since_the_start_is_read(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text("an earlier server\n")
    log = ServerLog(path)
    with path.open("a") as file:
        file.write("this server\n")
    assert log.text() == "this server\n"


def test_a_log_can_still_be_read_after_it_was_removed(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    log = ServerLog(path)
    path.write_text("the reason\n")
    path.unlink()
    assert log.text() == "the reason\n"


def test_a_log_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none/server\.log cannot be written"):
        ServerLog(tmp_path / "none" / "server.log")
