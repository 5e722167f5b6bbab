"""Faults that are planted into a good model: how, and what has to be found."""

import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper

from export.repository import sha256_of
from tests.unit.validation.good import (
    LARGEST,
    RECIPES,
    Recipe,
    change_golden,
    change_manifest,
    graph_of,
    save,
)

Plant = Callable[[Path], None]
ROW = np.zeros((1, 4), np.float32)


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Attributes:
        name: What a reader calls it.
        plant: Plants it into a model's folder.
        place: Where it has to be found, inside the model's folder; with the line, if it has one.
        sentence: A part of what has to be said.
        level: How bad it is.
    """

    name: str
    plant: Plant
    place: str
    sentence: str
    level: Literal["error", "warning"] = "error"


def config(old: str, new: str) -> Plant:
    def plant(folder: Path) -> None:
        path = folder / "config.pbtxt"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return plant


def spaced(folder: Path) -> None:
    file = (folder / "1" / "model.onnx").rename(folder / "1" / "the model.onnx")
    config('"model.onnx"', f'"{file.name}"')(folder)
    change_manifest(folder, files={file.name: sha256_of(file)})


def add(text: str) -> Plant:
    return config("max_batch_size", f"{text}\nmax_batch_size")


def parameter(key: str, value: str) -> Plant:
    entry = f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}'
    return add(entry)


def manifest(**changes: object) -> Plant:
    return lambda folder: change_manifest(folder, **changes)


def golden(**arrays: np.ndarray) -> Plant:
    return lambda folder: change_golden(folder, **arrays)


def model(**options: int) -> Plant:
    return lambda folder: save(folder, graph_of(RECIPES["echo"], **options))


def tensors(recipe: Recipe) -> Plant:
    return lambda folder: save(folder, graph_of(recipe))


def remove(name: str) -> Plant:
    return lambda folder: (folder / name).unlink()


def write(name: str, text: str | bytes) -> Plant:
    def plant(folder: Path) -> None:
        data = text.encode() if isinstance(text, str) else text
        (folder / name).write_bytes(data)

    return plant


def make_folder(name: str) -> Plant:
    return lambda folder: (folder / name).mkdir()


def append(name: str, data: bytes) -> Plant:
    def plant(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes() + data)

    return plant


def link_outside(folder: Path) -> None:
    path = folder / "1" / "model.onnx"
    outside = folder.parent.parent / f"outside-{folder.name}.onnx"
    shutil.move(path, outside)
    path.symlink_to(os.path.relpath(outside, path.parent))


def link_absolute(folder: Path) -> None:
    path = folder / "MODEL_CARD.md"
    path.symlink_to(path.rename(folder / "CARD.md").absolute())


def link_nowhere(folder: Path) -> None:
    (folder / "1" / "notes").symlink_to("nothing")


def pipe_as_manifest(folder: Path) -> None:
    (folder / "1" / "manifest.json").unlink()
    os.mkfifo(folder / "1" / "manifest.json")


def folder_as_golden(folder: Path) -> None:
    (folder / "1" / "golden.npz").unlink()
    (folder / "1" / "golden.npz").mkdir()


def sparse_model(folder: Path) -> None:
    os.truncate(folder / "1" / "model.onnx", 5 * 2**40)


def pickled_golden(folder: Path) -> None:
    change_golden(folder, input_x=np.array([[{}]], object), output_y=ROW)


def bomb_golden(folder: Path) -> None:
    """Four gigabytes of zeros in few bytes: of another shape, which the header tells."""
    path = folder / "1" / "golden.npz"
    path.unlink()
    header = {"descr": "<f4", "fortran_order": False, "shape": (2**30,)}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("input_x", "output_y"):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array_header_1_0(file, header)
                file.write(bytes(2**20))
    entry = {"file": path.name, "sha256": sha256_of(path), "tolerance": {"y": 0.1}}
    change_manifest(folder, golden=entry)


def external_weights(location: str, *, size: int | None) -> Plant:
    def plant(folder: Path) -> None:
        graph = graph_of(RECIPES["echo"])
        weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2])
        weight.data_location = TensorProto.EXTERNAL
        entries = {"location": location, "offset": "0", "length": "8"}
        for key, value in entries.items():
            weight.external_data.add(key=key, value=value)
        graph.graph.initializer.append(weight)
        onnx.save_model(graph, folder / "1" / "model.onnx")
        files = {"model.onnx": sha256_of(folder / "1" / "model.onnx")}
        if size is not None:
            (folder / "1" / location).write_bytes(bytes(size))
            files[location] = sha256_of(folder / "1" / location)
        change_manifest(folder, files=files)

    return plant


def foreign_operator(folder: Path) -> None:
    graph = graph_of(RECIPES["echo"])
    graph.graph.node.append(helper.make_node("Beautify", ["x"], ["b"], domain="com.acme"))
    graph.opset_import.append(helper.make_opsetid("com.acme", 1))
    save(folder, graph)


def open_output(folder: Path) -> None:
    graph = graph_of(RECIPES["echo"])
    graph.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "M"
    save(folder, graph)


def single_number(folder: Path) -> None:
    graph = graph_of(RECIPES["echo"])
    del graph.graph.output[0].type.tensor_type.shape.dim[:]
    save(folder, graph)


def dangling_node(folder: Path) -> None:
    graph = graph_of(RECIPES["echo"])
    graph.graph.node.append(helper.make_node("Relu", ["nowhere"], ["r"]))
    save(folder, graph)


def stale_mirror(folder: Path) -> None:
    path = folder / "config.pbtxt"
    text = path.read_text()
    start = text.index('  { key: "manifest.1"')
    entry = text[start : text.index("\n", start)]
    path.write_text(text.replace(entry, f"{entry},\n{entry.replace('manifest.1', 'manifest.8')}"))


def renamed_version(folder: Path) -> None:
    (folder / "1").rename(folder / "2")
    config("versions: [ 1 ]", "versions: [ 2 ]")(folder)


def wrong_label(folder: Path) -> None:
    change_manifest(folder, version=7)


OTHER = "0" * 64
INTS = Recipe({"x": ("INT32", [4])}, {"y": ("FP32", [4])})
WIDE = Recipe({"x": ("FP32", [4])}, {"y": ("FP32", [5])})
NAMED = Recipe({"x": ("FP32", [4])}, {"z": ("FP32", [4])})
MORE = Recipe({"x": ("FP32", [4]), "more": ("FP32", [1])}, {"y": ("FP32", [4])})

LAYOUT = [
    Fault("a version's file is lost", remove("1/model.onnx"), "1/model.onnx", "no such file"),
    Fault("a folder is read as a version", make_folder("2.tmp"), "2.tmp", "for version 2"),
    Fault("a version with a zero", make_folder("02"), "02", "zeros before it", "warning"),
    Fault("a folder of notes", make_folder("old"), "old", "passes this folder over", "warning"),
    Fault("a version beyond 64 bits", make_folder("9" * 20), "9" * 20, "Triton aborts"),
    Fault(
        "an editor's swap file",
        write(".config.pbtxt.swp", ""),
        ".config.pbtxt.swp",
        "load the model again",
        "warning",
    ),
    Fault(
        "a backend of its own",
        write("1/libtriton_onnxruntime.so", "x"),
        "1/libtriton_onnxruntime.so",
        "in the place of its own backend",
    ),
    Fault("a python file", write("1/model.py", "x"), "1/model.py", "does not run", "warning"),
    Fault("a link out of the repository", link_outside, "1/model.onnx", "out of the repository"),
    Fault("an absolute link", link_absolute, "MODEL_CARD.md", "a path of this machine"),
    Fault("a link to nothing", link_nowhere, "1/notes", "leads nowhere"),
    Fault("no card", remove("MODEL_CARD.md"), "MODEL_CARD.md", "no card", "warning"),
    Fault("no notice", remove("NOTICE"), "NOTICE", "Apache-2.0", "warning"),
]
CONFIGURATION = [
    Fault("no UTF-8", append("config.pbtxt", b"# caf\xe9"), "config.pbtxt:19", "not UTF-8"),
    Fault(
        "a word for a number",
        config("size: 4", "size: four"),
        "config.pbtxt:4",
        "Couldn't parse integer: four",
    ),
    Fault("an unknown type", config("TYPE_FP32", "TYPE_FLOAT"), "config.pbtxt:5", "TYPE_FLOAT"),
    Fault("an unknown field", add("max_batch: 8"), "config.pbtxt:4", "no field max_batch"),
    Fault(
        "a field of a newer Triton",
        add("model_metrics { }"),
        "config.pbtxt:4",
        "newer than Triton 2.51",
    ),
    Fault("another name", config('name: "', 'name: "x'), "config.pbtxt:1", "is called x"),
    Fault("no backend", config('backend: "onnxruntime"', ""), "config.pbtxt", "names no backend"),
    Fault(
        "a backend of one server",
        config('"onnxruntime"', '"tensorrt"'),
        "config.pbtxt:2",
        "embedded server has no backend tensorrt",
    ),
    Fault(
        "an agent",
        add('model_repository_agents { agents { name: "checksum" } }'),
        "config.pbtxt:4",
        "agent checksum is a library",
    ),
    Fault("a runtime", add('runtime: "model.py"'), "config.pbtxt:4", "runtime model.py"),
    Fault(
        "another platform",
        add('platform: "pytorch_libtorch"'),
        "config.pbtxt:4",
        "does not go with the backend onnxruntime",
    ),
    Fault(
        "a queue policy",
        config("{ max_q", "{\n default_queue_policy { max_queue_size: 9 } max_q"),
        "config.pbtxt:8",
        "(max_queue_size): Triton's scheduler then stalls for 500 ms",
    ),
    Fault(
        "priorities",
        config("{ max_q", "{ priority_levels: 2 default_priority_level: 1 max_q"),
        "config.pbtxt:7",
        "(priority_levels): Triton's scheduler then stalls",
    ),
    Fault("no instance count", config("count: 1", ""), "config.pbtxt:8", "starts two processes"),
    Fault(
        "a fixed GPU",
        config("count: 1", "count: 1 kind: KIND_GPU"),
        "config.pbtxt:8",
        "without a GPU",
    ),
    Fault(
        "a numbered GPU",
        config("count: 1", "count: 1 gpus: [ 0 ]"),
        "config.pbtxt:8",
        "GPUs are named",
    ),
    Fault(
        "a profile", config("count: 1", 'count: 1 profile: "0"'), "config.pbtxt:8", "is TensorRT's"
    ),
    Fault(
        "no batch axis",
        config("max_batch_size: 4", "max_batch_size: 0"),
        "config.pbtxt:4",
        "max_batch_size is not above 0",
    ),
    Fault(
        "no batching",
        config("dynamic_batching { max_queue_delay_microseconds: 100 }", ""),
        "config.pbtxt",
        "no dynamic_batching",
        "warning",
    ),
    Fault(
        "a batch above the largest",
        config("{ max_q", "{ preferred_batch_size: 9 max_q"),
        "config.pbtxt:7",
        "size 9 is not in 1 to 4",
    ),
    Fault(
        "the latest version",
        config("specific: { versions: [ 1 ] }", "latest { num_versions: 1 }"),
        "config.pbtxt:9",
        "does not name versions",
    ),
    Fault(
        "a version that is not there",
        config("[ 1 ]", "[ 1, 3 ]"),
        "config.pbtxt:9",
        "version 3, which has no folder",
    ),
    Fault(
        "no dims", config("dims: [4] } ]\noutput", "} ]\noutput"), "config.pbtxt:5", "x has no dims"
    ),
    Fault(
        "text tensors",
        config("TYPE_FP32, dims: [4] } ]\noutput", "TYPE_STRING, dims: [4] } ]\noutput"),
        "config.pbtxt:5",
        "type STRING, which clients of this project do not carry",
    ),
    Fault(
        "a reshape that loses elements",
        config("dims: [4] } ]\noutput", "dims: [4] reshape { shape: [2] } } ]\noutput"),
        "config.pbtxt:5",
        "reshaped from [4] to [2]",
    ),
    Fault(
        "a file outside",
        config('"model.onnx"', '"../model.onnx"'),
        "config.pbtxt:3",
        "leads out of the model's folder",
    ),
    Fault(
        "a file of this machine",
        config('"model.onnx"', '"/dev/null"'),
        "config.pbtxt:3",
        "default_model_filename is /dev/null, which leads out",
    ),
    Fault(
        "a file name for a shell",
        spaced,
        "config.pbtxt:3",
        "cannot serve a file called 'the model.onnx'",
    ),
    Fault(
        "no warm-up of the largest batch",
        config("batch_size: 4,", "batch_size: 2,"),
        "config.pbtxt:11",
        "no sample with a batch of 4",
        "warning",
    ),
    Fault(
        "a warm-up of other dims",
        config("dims: [4], zero", "dims: [6], zero"),
        "config.pbtxt:11",
        "gives x FP32 [6] where the model takes x FP32 [4]",
    ),
    Fault(
        "a mode that is none",
        parameter("execution_mode", "7"),
        "config.pbtxt:4",
        "execution_mode is '7'; the backend takes 0 (sequential) or 1 (parallel)",
    ),
    Fault(
        "yes for a switch",
        parameter("enable_mem_arena", "yes"),
        "config.pbtxt:4",
        "enable_mem_arena is 'yes'; the backend takes 0 or 1",
    ),
    Fault(
        "a slip of the pen",
        parameter("intra_op_thread_cout", "2"),
        "config.pbtxt:4",
        "does not read the parameter intra_op_thread_cout",
        "warning",
    ),
    Fault(
        "a ragged batch",
        config("dims: [4] } ]\noutput", "dims: [4] allow_ragged_batch: true } ]\noutput"),
        "config.pbtxt:5",
        "embedded server does not do what input.allow_ragged_batch asks for",
    ),
    Fault(
        "a level that is none",
        add("optimization { graph { level: 5 } }"),
        "config.pbtxt:4",
        "graph level 5 is unknown",
        "warning",
    ),
    Fault(
        "an accelerator",
        add(
            "optimization { execution_accelerators { gpu_execution_accelerator:"
            ' [ { name: "tensorrt" } ] } }'
        ),
        "config.pbtxt:4",
        "accelerator tensorrt",
        "warning",
    ),
]
NETWORKS = [
    Fault("a torn file", write("1/model.onnx", b"\x08\x08\x12"), "1/model.onnx", "no ONNX model"),
    Fault("a file of 5 TiB", sparse_model, "1/model.onnx", "has 5120.0 GiB"),
    Fault(
        "a new opset",
        model(opset=99),
        "1/model.onnx",
        "opset 99; models keep to 17, for ONNX Runtime 1.19.2",
    ),
    Fault(
        "a new file format", model(ir_version=99), "1/model.onnx", "IR version 99; models keep to 9"
    ),
    Fault("a fixed batch", model(batch=4), "1/model.onnx", "first axis is fixed"),
    Fault("another type in the file", tensors(INTS), "config.pbtxt:5", "x is FP32, but INT32 in"),
    Fault(
        "other dims in the file", tensors(WIDE), "config.pbtxt:6", "dims [4], but is y FP32 [-1, 5]"
    ),
    Fault(
        "other dims than the file's, of an input",
        config("dims: [4] } ]\noutput", "dims: [7] } ]\noutput"),
        "config.pbtxt:5",
        "x has dims [7], but is x FP32 [-1, 4] with its batch",
    ),
    Fault(
        "other dims than the file's, of an output",
        config("dims: [4] } ]\ndyn", "dims: [7] } ]\ndyn"),
        "config.pbtxt:6",
        "y has dims [7], but is y FP32 [-1, 4] with its batch",
    ),
    Fault("a single number", single_number, "1/model.onnx", "the batch: y FP32 []"),
    Fault(
        "an output that varies in the file",
        open_output,
        "config.pbtxt:6",
        "y has dims [4], but is y FP32 [-1, -1] with its batch",
    ),
    Fault("another name in the file", tensors(NAMED), "config.pbtxt:6", "has only z"),
    Fault("an input that is not declared", tensors(MORE), "config.pbtxt:5", "needs the input more"),
    Fault("an operator of others", foreign_operator, "1/model.onnx", "operators of com.acme"),
    Fault("a broken graph", dangling_node, "1/model.onnx", "checker refuses the model"),
    Fault(
        "weights outside",
        external_weights("../../weights", size=None),
        "1/model.onnx",
        "../../weights, outside of the version",
    ),
    Fault(
        "weights lost",
        external_weights("weights", size=None),
        "1/model.onnx",
        "weights, which is missing",
    ),
    Fault(
        "weights cut off",
        external_weights("weights", size=5),
        "1/model.onnx",
        "need 8 bytes of weights, which has 5",
    ),
]
MANIFESTS = [
    Fault("no manifest", remove("1/manifest.json"), "1/manifest.json", "no manifest.json"),
    Fault(
        "a manifest cut off",
        write("1/manifest.json", '{\n"model":'),
        "1/manifest.json:2",
        "not JSON: Expecting value",
    ),
    Fault(
        "a manifest that is a pipe", pipe_as_manifest, "1/manifest.json", "is a pipe, not a file"
    ),
    Fault(
        "the manifest of another model",
        manifest(model="other"),
        "1/manifest.json:2",
        "of the model other",
    ),
    Fault("the manifest of another version", wrong_label, "1/manifest.json:3", "of version 7"),
    Fault("a folder renamed", renamed_version, "2/manifest.json:3", "of version 1, not of 2"),
    Fault(
        "another file than was published",
        append("1/model.onnx", b"\x32\x01x"),
        "1/model.onnx",
        "not the one that the manifest lists",
    ),
    Fault("a file that nobody listed", write("1/extra.bin", "x"), "1/extra.bin", "does not list"),
    Fault(
        "a listed file outside",
        manifest(files={"../x": OTHER}),
        "1/manifest.json:5",
        "outside of the version",
    ),
    Fault(
        "another opset than the file's",
        manifest(opset=13),
        "1/manifest.json:7",
        "says opset 13, and model.onnx has 17",
    ),
    Fault("no licence", manifest(licence=" "), "1/manifest.json:10", "no licence"),
    Fault(
        "a window that is none", manifest(window="4 s"), "1/manifest.json", "not usable at window"
    ),
    Fault(
        "a mirror that tells another story",
        config('\\"recipe\\": \\"none', '\\"recipe\\": \\"x'),
        "config.pbtxt:17",
        "is not what",
    ),
    Fault("no mirror", config('"manifest.1"', '"note"'), "config.pbtxt", "manifest.1 is missing"),
    Fault(
        "a mirror of a version that is gone",
        stale_mirror,
        "config.pbtxt:18",
        "manifest.8 is of a version that has no folder",
        "warning",
    ),
    Fault("no golden file", remove("1/golden.npz"), "1/golden.npz", "golden file is missing"),
    Fault("a golden folder", folder_as_golden, "1/golden.npz", "golden file is missing"),
    Fault(
        "another golden file", append("1/golden.npz", b"x"), "1/golden.npz", "its sha256 differs"
    ),
    Fault(
        "a golden file without an output", golden(input_x=ROW), "1/golden.npz", "lacks the output y"
    ),
    Fault(
        "a golden file of other shapes",
        golden(input_x=ROW, output_y=np.zeros((1, 7), "f4")),
        "1/golden.npz",
        "y is float32 [1, 7]",
    ),
    Fault(
        "a golden batch that is too large",
        golden(input_x=np.zeros((LARGEST + 1, 4), "f4"), output_y=ROW),
        "1/golden.npz",
        "x is float32 [5, 4]",
    ),
    Fault("a golden file of pickles", pickled_golden, "1/golden.npz", "no archive of arrays"),
]
FAULTS = [*LAYOUT, *CONFIGURATION, *NETWORKS, *MANIFESTS]
