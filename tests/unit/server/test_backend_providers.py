"""Accelerators of a configuration become execution providers with their options."""

from dataclasses import replace

import pytest

from backends.onnxruntime.cuda import cuda_options
from backends.onnxruntime.providers import CPU, CUDA, OPENVINO, TENSORRT, Wish, wished_providers
from backends.onnxruntime.tensorrt import NUMBERS, SWITCHES, TEXTS, tensorrt_options
from backends.shared.config import Accelerator, ModelConfig
from tests.unit.server.toy_config import CONFIG


def accelerated(*gpu: Accelerator, cpu: tuple[Accelerator, ...] = ()) -> ModelConfig:
    return replace(CONFIG, gpu_accelerators=gpu, cpu_accelerators=cpu)


def test_an_instance_on_the_cpu_has_the_cpu_alone() -> None:
    assert wished_providers(CONFIG, "CPU", 0) == Wish([(CPU, {})], [])


def test_an_instance_on_a_gpu_has_cuda_on_its_device_before_the_cpu() -> None:
    wish = wished_providers(CONFIG, "GPU", 3)
    assert wish.names == [CUDA, CPU]
    assert wish.providers[0][1]["device_id"] == "3"


def test_accelerators_come_before_cuda_and_openvino_behind_it() -> None:
    config = accelerated(Accelerator("tensorrt"), cpu=(Accelerator("openvino"),))
    assert wished_providers(config, "GPU", 0).names == [TENSORRT, CUDA, OPENVINO, CPU]
    assert wished_providers(config, "CPU", 0).names == [OPENVINO, CPU]


def test_accelerators_of_a_gpu_are_idle_on_the_cpu_and_that_is_told() -> None:
    wish = wished_providers(accelerated(Accelerator("cuda"), Accelerator("other")), "CPU", 0)
    assert wish.names == [CPU]
    known, unknown = wish.remarks
    assert known == "the accelerator cuda is for instances on a GPU, and this one is on the CPU"
    assert unknown.endswith("on a GPU it is unknown and would not load")


def test_a_provider_that_is_not_installed_is_left_out_and_that_is_told() -> None:
    config = accelerated(cpu=(Accelerator("openvino"),))
    wish = wished_providers(config, "CPU", 0).without({OPENVINO})
    assert wish.names == [CPU]
    assert wish.remarks[0].startswith(f"{OPENVINO} is asked for in config.pbtxt but not installed")


@pytest.mark.parametrize(
    ("config", "kind", "sentence"),
    [
        (accelerated(Accelerator("tensor_rt")), "GPU", "gpu_execution_accelerator 'tensor_rt'"),
        (accelerated(cpu=(Accelerator("cuda"),)), "CPU", "cpu_execution_accelerator 'cuda'"),
        (accelerated(cpu=(Accelerator("cuda"),)), "GPU", "cpu_execution_accelerator 'cuda'"),
        (accelerated(Accelerator("tensorrt", {"x": "1"})), "GPU", "has no parameter x"),
    ],
)
def test_an_accelerator_that_does_not_exist_is_refused(
    config: ModelConfig, kind: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        wished_providers(config, kind, 0)


def test_cuda_has_the_native_backend_s_defaults() -> None:
    assert cuda_options({}, {}, 1) == {
        "arena_extend_strategy": "kNextPowerOfTwo",
        "cudnn_conv_algo_search": "EXHAUSTIVE",
        "device_id": "1",
        "do_copy_in_default_stream": "1",
    }


@pytest.mark.parametrize(
    ("name", "value", "given"),
    [
        ("cudnn_conv_algo_search", "0", "EXHAUSTIVE"),
        ("cudnn_conv_algo_search", "1", "HEURISTIC"),
        ("cudnn_conv_algo_search", "2", "DEFAULT"),
        ("arena_extend_strategy", "0", "kNextPowerOfTwo"),
        ("arena_extend_strategy", "1", "kSameAsRequested"),
        ("gpu_mem_limit", "4294967200", "4294967200"),
        ("do_copy_in_default_stream", "0", "0"),
    ],
)
def test_deprecated_parameters_reach_cuda(name: str, value: str, given: str) -> None:
    assert cuda_options({}, {name: value}, 0)[name] == given


def test_parameters_of_the_accelerator_reach_cuda_and_the_deprecated_ones_come_first() -> None:
    accelerator = {"cudnn_conv_use_max_workspace": "0", "gpu_mem_limit": "1", "empty": ""}
    assert (
        cuda_options(accelerator, {"gpu_mem_limit": "2"}, 0).items()
        >= {
            "cudnn_conv_use_max_workspace": "0",
            "gpu_mem_limit": "2",
        }.items()
    )
    assert "empty" not in cuda_options(accelerator, {}, 0)


@pytest.mark.parametrize(
    ("accelerator", "parameters", "sentence"),
    [
        ({}, {"cudnn_conv_algo_search": "3"}, r"cudnn_conv_algo_search is 3 .* 2 \(DEFAULT\)"),
        ({}, {"arena_extend_strategy": "-1"}, "arena_extend_strategy is -1"),
        ({"use_ep_level_unified_stream": "maybe"}, {}, "use_ep_level_unified_stream is 'maybe'"),
    ],
)
def test_a_value_that_cuda_does_not_have_is_refused(
    accelerator: dict[str, str], parameters: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        cuda_options(accelerator, parameters, 0)


@pytest.mark.parametrize(
    ("mode", "option"),
    [("FP32", {}), ("FP16", {"trt_fp16_enable": "1"}), ("INT8", {"trt_int8_enable": "1"})],
)
def test_the_precision_mode_switches_tensorrt_s_precision(
    mode: str, option: dict[str, str]
) -> None:
    assert tensorrt_options({"precision_mode": mode}, 2) == {"device_id": "2", **option}


@pytest.mark.parametrize(
    ("names", "value", "given"),
    [
        (SWITCHES, "True", "1"),
        (SWITCHES, "off", "0"),
        (NUMBERS, "17", "17"),
        (TEXTS, "x:1x3", "x:1x3"),
    ],
)
def test_every_other_parameter_has_its_option_of_tensorrt(
    names: dict[str, str], value: str, given: str
) -> None:
    for name, option in names.items():
        assert tensorrt_options({name: value}, 0) == {"device_id": "0", option: given}


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"precision_mode": "BF16"}, "precision_mode is 'BF16' .* FP32, FP16, INT8"),
        ({"trt_dla_enable": "perhaps"}, "trt_dla_enable is 'perhaps'"),
        ({"max_workspace_size_bytes": "much"}, "max_workspace_size_bytes is 'much'"),
    ],
)
def test_a_value_that_tensorrt_does_not_have_is_refused(
    parameters: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        tensorrt_options(parameters, 0)
