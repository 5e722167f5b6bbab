"""Parameters of the accelerator `tensorrt`, as options of ONNX Runtime's provider."""

from collections.abc import Mapping

from backends.shared.parameters import read_switch, read_whole

PRECISIONS = {"FP32": None, "FP16": "trt_fp16_enable", "INT8": "trt_int8_enable"}
SWITCHES = {
    "int8_use_native_calibration_table": "trt_int8_use_native_calibration_table",
    "trt_build_heuristics_enable": "trt_build_heuristics_enable",
    "trt_context_memory_sharing_enable": "trt_context_memory_sharing_enable",
    "trt_cuda_graph_enable": "trt_cuda_graph_enable",
    "trt_detailed_build_log": "trt_detailed_build_log",
    "trt_dla_enable": "trt_dla_enable",
    "trt_dump_ep_context_model": "trt_dump_ep_context_model",
    "trt_dump_subgraphs": "trt_dump_subgraphs",
    "trt_engine_cache_enable": "trt_engine_cache_enable",
    "trt_force_sequential_engine_build": "trt_force_sequential_engine_build",
    "trt_force_timing_cache": "trt_force_timing_cache",
    "trt_layer_norm_fp32_fallback": "trt_layer_norm_fp32_fallback",
    "trt_sparsity_enable": "trt_sparsity_enable",
    "trt_timing_cache_enable": "trt_timing_cache_enable",
}
NUMBERS = {
    "max_workspace_size_bytes": "trt_max_workspace_size",
    "trt_auxiliary_streams": "trt_auxiliary_streams",
    "trt_builder_optimization_level": "trt_builder_optimization_level",
    "trt_dla_core": "trt_dla_core",
    "trt_ep_context_embed_mode": "trt_ep_context_embed_mode",
    "trt_max_partition_iterations": "trt_max_partition_iterations",
    "trt_min_subgraph_size": "trt_min_subgraph_size",
}
TEXTS = {
    "int8_calibration_table_name": "trt_int8_calibration_table_name",
    "trt_engine_cache_path": "trt_engine_cache_path",
    "trt_engine_cache_prefix": "trt_engine_cache_prefix",
    "trt_ep_context_file_path": "trt_ep_context_file_path",
    "trt_extra_plugin_lib_paths": "trt_extra_plugin_lib_paths",
    "trt_profile_max_shapes": "trt_profile_max_shapes",
    "trt_profile_min_shapes": "trt_profile_min_shapes",
    "trt_profile_opt_shapes": "trt_profile_opt_shapes",
    "trt_tactic_sources": "trt_tactic_sources",
    "trt_timing_cache_path": "trt_timing_cache_path",
}


def tensorrt_options(parameters: Mapping[str, str], device_id: int) -> dict[str, str]:
    """Returns the provider's options.

    Raises:
        ValueError: If there is no such parameter, or it has no such value.
    """
    options = {"device_id": str(device_id)}
    for name in parameters:
        options |= _option(parameters, name)
    return options


def _option(parameters: Mapping[str, str], name: str) -> dict[str, str]:
    if name == "precision_mode":
        return _precision(parameters[name])
    if name in SWITCHES:
        return {SWITCHES[name]: str(int(read_switch(parameters, name, default=False)))}
    if name in NUMBERS:
        return {NUMBERS[name]: str(read_whole(parameters, name))}
    if name in TEXTS:
        return {TEXTS[name]: parameters[name]} if parameters[name] else {}
    raise ValueError(
        f"the accelerator tensorrt has no parameter {name}; correct execution_accelerators in "
        "config.pbtxt"
    )


def _precision(mode: str) -> dict[str, str]:
    if mode not in PRECISIONS:
        raise ValueError(
            f"precision_mode is {mode!r} in config.pbtxt; it can be {', '.join(PRECISIONS)}"
        )
    option = PRECISIONS[mode]
    return {option: "1"} if option else {}
