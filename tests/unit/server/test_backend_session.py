"""What a configuration makes of a session of ONNX Runtime."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime as ort
import pytest

from backends.onnxruntime.files import op_library
from backends.onnxruntime.session import (
    DEVICE_ALLOCATOR,
    SHRINKAGE,
    Grant,
    open_session,
    run_options,
    session_options,
)
from backends.onnxruntime.threads import Threads
from backends.shared.config import Accelerator, ModelConfig
from tests.integration.onnx_toys import ECHO
from tests.unit.server.toy_config import CONFIG

ON_CPU = Grant("CPU", device_id=0, cores=2)


@pytest.fixture
def version_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "toy" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(ECHO.file())
    return folder


def with_parameters(**values: str) -> ModelConfig:
    return replace(CONFIG, parameters=values)


def test_parameters_and_graph_level_reach_the_session() -> None:
    parameters = {"execution_mode": "1", "enable_mem_arena": "off", "enable_mem_pattern": "False"}
    config = replace(CONFIG, graph_level=2, parameters=parameters)
    options = session_options(config, Threads(in_operator=3, across=2, pieces=0))
    assert options.execution_mode == ort.ExecutionMode.ORT_PARALLEL
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 2)
    assert (options.enable_cpu_mem_arena, options.enable_mem_pattern) == (False, False)
    assert options.graph_optimization_level == ort.GraphOptimizationLevel.ORT_DISABLE_ALL


def test_the_allocator_of_initializers_is_handed_on(version_folder: Path) -> None:
    opened = open_session(version_folder, with_parameters(**{DEVICE_ALLOCATOR: "1"}), ON_CPU)
    options = opened.session.get_session_options()
    assert options.get_session_config_entry(DEVICE_ALLOCATOR) == "1"


@pytest.mark.parametrize(
    ("kind", "given"), [("CPU", "cpu:0"), ("GPU", "cpu:0;gpu:0")], ids=["CPU", "GPU"]
)
def test_arenas_that_are_there_are_told_to_shrink(kind: str, given: str) -> None:
    options = run_options(with_parameters(**{SHRINKAGE: "cpu:0;gpu:0"}), kind)
    assert options.get_run_config_entry(SHRINKAGE) == given


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"execution_mode": "2"}, "execution_mode is 2 in config.pbtxt; it can be 0, 1"),
        ({"execution_mode": "fast"}, "execution_mode is 'fast'"),
        ({"enable_mem_arena": "2"}, "enable_mem_arena is '2' in config.pbtxt; write true or false"),
        ({"enable_mem_pattern": "yes"}, "enable_mem_pattern is 'yes'"),
    ],
)
def test_a_value_that_the_native_backend_refuses_is_refused(
    parameters: Mapping[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        session_options(replace(CONFIG, parameters=parameters), Threads(1, 1, 1))


def test_an_unknown_graph_level_is_taken_as_the_highest_one_and_that_is_told(
    version_folder: Path,
) -> None:
    opened = open_session(version_folder, replace(CONFIG, graph_level=7), ON_CPU)
    assert "ORT_ENABLE_ALL" in opened.describe()
    assert opened.remarks == ["optimization.graph.level 7 is unknown: taken as 0"]


def test_a_session_says_where_it_runs_and_how(version_folder: Path) -> None:
    config = replace(CONFIG, cpu_accelerators=(Accelerator("openvino"),))
    opened = open_session(version_folder, config, ON_CPU)
    assert opened.describe() == (
        "runs on CPUExecutionProvider (asked for OpenVINOExecutionProvider, "
        "CPUExecutionProvider), 1 threads in an operator, 2 across, ORT_SEQUENTIAL, "
        "ORT_ENABLE_ALL, 2 pieces of a batch at once"
    )
    assert "OpenVINOExecutionProvider is asked for" in opened.remarks[0]


@pytest.mark.skipif(
    "CUDAExecutionProvider" in ort.get_available_providers(), reason="this machine has CUDA"
)
@pytest.mark.parametrize("accelerators", [(), (Accelerator("tensorrt"),)])
def test_a_granted_gpu_without_cuda_is_an_error(
    version_folder: Path, accelerators: tuple[Accelerator, ...]
) -> None:
    config = replace(CONFIG, gpu_accelerators=accelerators)
    with pytest.raises(ValueError, match="CUDAExecutionProvider does not load"):
        open_session(version_folder, config, Grant("GPU", device_id=0, cores=1))


def test_a_missing_model_file_is_named(version_folder: Path) -> None:
    (version_folder / "model.onnx").unlink()
    with pytest.raises(ValueError, match=r"1/model\.onnx is missing; export the model"):
        open_session(version_folder, CONFIG, ON_CPU)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_model_file_that_may_not_be_read_is_named(version_folder: Path) -> None:
    (version_folder / "model.onnx").chmod(0)
    with pytest.raises(ValueError, match=r"model\.onnx cannot be read"):
        open_session(version_folder, CONFIG, ON_CPU)


def test_a_model_file_whose_content_cannot_be_read_is_named(version_folder: Path) -> None:
    (version_folder / "model.onnx").unlink()
    (version_folder / "model.onnx").symlink_to("/proc/self/mem")
    with pytest.raises(ValueError, match=r"1/model\.onnx does not load in ONNX Runtime"):
        open_session(version_folder, CONFIG, ON_CPU)


@pytest.mark.parametrize("name", ["/etc/hostname", "../2/model.onnx", "a/../../model.onnx"])
def test_a_model_file_outside_of_its_version_is_refused(version_folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name a file inside the version's folder"):
        open_session(version_folder, replace(CONFIG, file_name=name), ON_CPU)


@pytest.mark.parametrize("name", ["parts/encoder.onnx", "parts"])
def test_a_model_file_may_lie_in_a_folder(version_folder: Path, name: str) -> None:
    (version_folder / "parts").mkdir()
    for file in ("encoder.onnx", "model.onnx"):
        (version_folder / "parts" / file).write_bytes(ECHO.file())
    assert open_session(version_folder, replace(CONFIG, file_name=name), ON_CPU).session


def test_a_library_of_operators_is_found_beside_the_model_file_and_beside_the_versions(
    version_folder: Path,
) -> None:
    for folder in (version_folder.parent, version_folder):
        (folder / "libops.so").touch()
        assert op_library(version_folder, "libops.so") == (folder / "libops.so").resolve()
        assert op_library(version_folder, str(folder / "libops.so")).parent == folder.resolve()


def test_a_library_of_operators_outside_of_the_model_is_refused(version_folder: Path) -> None:
    outside = version_folder.parent.parent / "libops.so"
    outside.touch()
    (version_folder / "linked.so").symlink_to(outside)
    for name in (str(outside), "../../libops.so", "linked.so", "absent.so"):
        with pytest.raises(ValueError, match="not in the model's folder"):
            op_library(version_folder, name)


def test_a_library_that_is_none_is_refused(version_folder: Path) -> None:
    (version_folder / "libops.so").write_text("text")
    config: Any = replace(CONFIG, op_libraries=("libops.so",))
    with pytest.raises(ValueError, match=r"the op library libops\.so .* does not load: .*libops"):
        open_session(version_folder, config, ON_CPU)
