"""TorchScript models under a real tritonserver, through the python-based `pytorch` backend."""

import asyncio
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc.aio as triton
from tritonclient.utils import InferenceServerException

from orchestrator.server.embedded import EmbeddedServer
from tests.integration.loading import Loaded, loaded
from tests.integration.onnx_toys import FILE as ONNX_FILE
from tests.integration.onnx_toys import Array
from tests.integration.torch_toys import config, needs_torch, script, served

pytestmark = [pytest.mark.server, needs_torch]

ROW = [2]
Y = {"y": ROW}
TEXT = {"data_type": "TYPE_STRING", "dims": [-1]}
TEXT_ROW = {"data_type": "TYPE_STRING", "dims": [1], "reshape": {"shape": []}}
PICTURE = (3, 12, 12)
BATCHING_DELAY_US = 200_000
TOLERANCE = 1e-4


def rows(*values: float) -> Array:
    return np.repeat(np.array(values, np.float32)[:, None], 2, axis=1)


def words(*values: str) -> Array:
    return np.array([value.encode() for value in values], np.object_)


@pytest.mark.parametrize(
    ("names", "minuend"),
    [
        (["subtrahend", "minuend"], "minuend"),  # arguments of forward()
        (["SECOND__1", "FIRST__0"], "FIRST__0"),  # numbers
        (["SECOND__1", "FIRST__"], "FIRST__"),  # no digits are 0
        (["b", "a"], "b"),  # neither: in order
        (["subtrahend", "FIRST__0"], "subtrahend"),
        (["b__1", "a__0__0"], "b__1"),  # what follows the first underscores is no number
    ],
)
async def test_an_input_finds_its_argument_by_the_native_rules(
    server: EmbeddedServer, names: list[str], minuend: str
) -> None:
    (subtrahend,) = set(names) - {minuend}
    async with served(server.url, "Difference", config(dict.fromkeys(names, ROW), Y)) as model:
        answer = await model(**{minuend: rows(5), subtrahend: rows(3)})
    np.testing.assert_array_equal(answer["y"], rows(2))


async def test_the_inputs_of_a_model_that_takes_a_dictionary_are_its_keys(
    server: EmbeddedServer,
) -> None:
    declared = config({"subtrahend": ROW, "minuend": ROW}, Y)
    async with served(server.url, "Keyed", declared) as model:
        answer = await model(minuend=rows(5, 6), subtrahend=rows(3, 1))
    np.testing.assert_array_equal(answer["y"], rows(2, 5))


@pytest.mark.parametrize(
    ("below", "above"), [("OUTPUT__0", "OUTPUT__1"), ("below", "above"), ("below__0", "above")]
)
async def test_the_results_of_a_tuple_are_found_by_number_or_in_order(
    server: EmbeddedServer, below: str, above: str
) -> None:
    names = [above, below] if "1" in above else [below, above]
    declared = config({"x": ROW}, dict.fromkeys(names, ROW))
    async with served(server.url, "Neighbours", declared) as model:
        answer = await model(x=rows(5))
    np.testing.assert_array_equal(answer[below], rows(4))
    np.testing.assert_array_equal(answer[above], rows(6))


async def test_text_goes_in_and_out_as_a_list(server: EmbeddedServer) -> None:
    declared = config({"words": TEXT}, {"loud": TEXT}, max_batch_size=0)
    async with served(server.url, "Shout", declared) as model:
        answer = await model(words=words("ja", "grüß", ""))
    assert [word.decode() for word in answer["loud"]] == ["JA", "GRüß", ""]


async def test_requests_with_text_share_a_run_and_each_gets_its_own(
    server: EmbeddedServer,
) -> None:
    declared = config({"words": TEXT_ROW}, {"loud": TEXT_ROW}, **delayed())
    async with served(server.url, "Shout", declared) as model:
        answers = await asyncio.gather(*(model(words=words(w)[None]) for w in ("a", "b", "c")))
        assert await executions(model) == 1
    assert [answer["loud"].tolist() for answer in answers] == [[[b"A"]], [[b"B"]], [[b"C"]]]


async def test_a_model_without_a_batch_axis_gets_its_input_as_it_is(
    server: EmbeddedServer,
) -> None:
    declared = config({"x": [2, -1]}, {"y": [-1, 2]}, max_batch_size=0)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    async with served(server.url, "Turned", declared) as model:
        np.testing.assert_array_equal((await model(x=x))["y"], x.T)


async def test_reshape_stands_between_the_contract_and_the_model(server: EmbeddedServer) -> None:
    flat = {"dims": [4], "reshape": {"shape": [2, 2]}}
    async with served(server.url, "Turned", config({"x": flat}, {"y": flat})) as model:
        answer = await model(x=np.array([[0, 1, 2, 3]], np.float32))
    np.testing.assert_array_equal(answer["y"], [[0, 2, 1, 3]])


async def test_a_result_that_is_the_input_itself_comes_back_whole(server: EmbeddedServer) -> None:
    x = np.random.default_rng(0).normal(size=(4, 300_000)).astype(np.float32)
    declared = config({"x": [-1]}, {"y": [-1]}, **delayed())
    async with served(server.url, "Echo", declared) as model:
        answers = await asyncio.gather(*(model(x=x + n) for n in range(2)))
    for n, answer in enumerate(answers):
        np.testing.assert_array_equal(answer["y"], x + n)


async def test_a_bad_request_fails_alone_among_its_batch_mates(server: EmbeddedServer) -> None:
    index = {"data_type": "TYPE_INT64", "dims": [1]}
    declared = config({"x": [4], "index": index}, {"picked": [1]}, **delayed())
    x = np.array([[10, 11, 12, 13]], np.float32)
    async with served(server.url, "Pick", declared) as model:
        asked = [model(x=x, index=np.array([[n]], np.int64)) for n in (0, 1, 99, 2, 3)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert await executions(model) == 1
    failed = answers.pop(2)
    assert isinstance(failed, InferenceServerException)
    assert failed.status() == "StatusCode.INTERNAL"
    assert str(failed.message()) == (
        "forward() of 1/model.pt failed: index 99 is out of bounds for dimension 1 with size 4"
    )
    assert [answer["picked"].item() for answer in answers if isinstance(answer, dict)] == [*x[0]]


async def test_text_that_is_not_utf_8_fails_alone_too(server: EmbeddedServer) -> None:
    declared = config({"words": TEXT_ROW}, {"loud": TEXT_ROW}, **delayed())
    sent = [words("a")[None], np.array([[b"\xff"]], np.object_), words("c")[None]]
    async with served(server.url, "Shout", declared) as model:
        asked = [model(words=text) for text in sent]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers[1], InferenceServerException)
    assert [isinstance(answer, dict) for answer in answers] == [True, False, True]


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        ("First", r"output y has shape \[1, 2\] for a batch of 3"),
        ("Double", "output y is TYPE_FP32 in config.pbtxt, but forward.. returns torch.float64"),
        ("Scalar", "output y has no axis"),
    ],
)
async def test_a_result_that_is_not_what_was_declared_is_named(
    server: EmbeddedServer, recipe: str, sentence: str
) -> None:
    async with served(server.url, recipe, config({"x": ROW}, Y)) as model:
        with pytest.raises(InferenceServerException, match=sentence):
            await model(x=rows(1, 2, 3))


async def test_the_inputs_of_a_sequence_batcher_go_where_their_names_say(
    server: EmbeddedServer,
) -> None:
    controls = [control("STARTS__1", fp32_false_true=[0, 1], kind="CONTROL_SEQUENCE_START")]
    identity = {"kind": "CONTROL_SEQUENCE_CORRID", "data_type": "TYPE_INT64"}
    controls.append(control("IDENTITY__2", **identity))
    batcher = {"control_input": controls}
    declared = config({"x": [1]}, {"seen": [3]}, sequence_batching=batcher)
    async with served(server.url, "Sequence", declared) as model:
        seen = [await step(model, 8, sequence=77, start=n == 0, end=n == 1) for n in range(2)]
    assert seen == [[8, 1, 77], [8, 0, 77]]


async def test_a_model_agrees_with_its_onnx_export_on_the_same_server(
    server: EmbeddedServer,
) -> None:
    declared = config({"x": PICTURE}, {"y": [16]})
    exported = {**declared, "backend": "onnxruntime"}
    x = np.random.default_rng(0).normal(size=(5, *PICTURE)).astype(np.float32)
    files = {ONNX_FILE: script("Blend", "onnx")}
    async with (
        served(server.url, "Blend", declared) as torch_model,
        loaded(server.url, b"", exported, files) as onnx_model,
    ):
        ours, theirs = (await torch_model(x=x))["y"], (await onnx_model(x=x))["y"]
    assert np.ptp(ours) > 100 * TOLERANCE
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


async def executions(model: Loaded) -> int:
    """How often the model ran; the server counts only after it has answered."""
    for _ in range(100):
        if count := await model.executions():
            break
        await asyncio.sleep(0.05)
    return count


def delayed() -> dict[str, Any]:
    return {"dynamic_batching": {"max_queue_delay_microseconds": BATCHING_DELAY_US}}


def control(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "control": [fields]}


async def step(model: Loaded, x: float, *, sequence: int, start: bool, end: bool) -> list[float]:
    tensor = triton.InferInput("x", [1, 1], "FP32")
    tensor.set_data_from_numpy(np.full((1, 1), x, np.float32))
    result = await model.client.infer(
        model.name, [tensor], sequence_id=sequence, sequence_start=start, sequence_end=end
    )
    return [float(value) for value in result.as_numpy("seen").ravel()]
