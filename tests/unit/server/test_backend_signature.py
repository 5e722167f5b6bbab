"""Which models fit a configuration: the native backend's rules."""

from dataclasses import replace

import pytest

from backends.onnxruntime.signature import check_signature
from backends.shared.config import Tensor
from tests.unit.server.toy_config import CONFIG
from tests.unit.server.toy_signature import SCALE, Node, X, Y, signature

UNBATCHED = replace(CONFIG, max_batch_size=0)


def test_a_model_that_fits_its_configuration_is_accepted() -> None:
    check_signature(CONFIG, signature([X], [Y]))


def test_outputs_that_the_configuration_leaves_out_are_accepted() -> None:
    check_signature(CONFIG, signature([X], [Y, Node("debug", "tensor(float)", [1])]))


def test_an_input_may_be_fixed_where_the_model_leaves_it_open() -> None:
    fixed = replace(CONFIG, inputs=(Tensor("x", "TYPE_FP32", (3, 5)),))
    check_signature(fixed, signature([X], [Y]))


def test_without_batches_the_whole_shape_is_declared() -> None:
    config = replace(
        UNBATCHED,
        inputs=(Tensor("x", "TYPE_FP32", (1, 3, -1)),),
        outputs=(Tensor("y", "TYPE_UINT8", (4, 2)),),
    )
    check_signature(config, signature([X], [replace(Y, shape=[4, 2])]))


def test_a_single_number_is_declared_with_ones() -> None:
    config = replace(UNBATCHED, outputs=(Tensor("y", "TYPE_UINT8", (1, 1)),))
    check_signature(
        replace(config, inputs=(Tensor("x", "TYPE_FP32", (1,)),)),
        signature([replace(X, shape=[])], [replace(Y, shape=[])]),
    )


def test_an_input_with_a_value_of_its_own_may_be_declared_optional_or_left_out() -> None:
    x = Tensor("x", "TYPE_FP32", (-1, 3, -1))
    scale = Tensor("scale", "TYPE_FP32", (1,), optional=True)
    outputs = (Tensor("y", "TYPE_UINT8", (-1, 2)),)
    for inputs in ((x, scale), (x,)):
        config = replace(UNBATCHED, inputs=inputs, outputs=outputs)
        check_signature(config, signature([X], [Y], [SCALE]))


@pytest.mark.parametrize(
    ("inputs", "outputs", "sentence"),
    [
        ([X, Node("z", "tensor(float)", ["N"])], [Y], r"needs inputs .* not declare \(z\)"),
        ([], [Y], "declares input x, but"),
        ([X], [], "declares output y, but"),
        ([replace(X, type="tensor(double)")], [Y], r"input x is TYPE_FP32 .* tensor\(double\)"),
        ([replace(X, shape=[4, 3, 5])], [Y], r"input x has no dynamic batch axis .*\[4, 3, 5\]"),
        ([replace(X, shape=["N", 3, 5])], [Y], r"input x has dims \[3, -1\] .* \[3, 5\]"),
        ([replace(X, shape=["N", 3])], [Y], r"input x has dims \[3, -1\] .* \[3\]"),
        ([replace(X, shape=[])], [Y], "input x is a single number"),
        ([X], [replace(Y, shape=["N", 4])], r"output y has dims \[2\] .* \[4\]"),
        ([X], [replace(Y, shape=["N", "any"])], r"output y has dims \[2\] .* \[-1\]"),
        ([X], [replace(Y, shape=[1, 2])], "output y has no dynamic batch axis"),
        ([X], [replace(Y, shape=[])], "output y is a single number"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(
    inputs: list[Node], outputs: list[Node], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_signature(CONFIG, signature(inputs, outputs))


@pytest.mark.parametrize("kind", ["seq(map(int64,tensor(float)))", "sparse_tensor(float)"])
def test_what_is_no_tensor_is_refused_even_where_it_is_not_declared(kind: str) -> None:
    with pytest.raises(ValueError, match=r"probabilities of model\.onnx is"):
        signature([X], [Y, Node("probabilities", kind, [])])


def test_a_type_that_the_native_backend_does_not_know_is_refused() -> None:
    config = replace(CONFIG, inputs=(Tensor("x", "TYPE_BF16", (3, -1)),))
    with pytest.raises(ValueError, match=r"input x is TYPE_BF16 .* does not serve"):
        check_signature(config, signature([replace(X, type="tensor(bfloat16)")], [Y]))


@pytest.mark.parametrize(
    ("max_batch_size", "scale", "nodes", "sentence"),
    [
        (8, Tensor("scale", "TYPE_FP32", (1,), optional=True), [SCALE], "needs max_batch_size: 0"),
        (0, Tensor("scale", "TYPE_FP32", (1,)), [SCALE], "has a value of its own"),
        (0, Tensor("scale", "TYPE_FP32", (1,), optional=True), [], "declares input scale, but"),
    ],
)
def test_an_optional_input_has_the_native_backend_s_conditions(
    max_batch_size: int, scale: Tensor, nodes: list[Node], sentence: str
) -> None:
    x = Tensor("x", "TYPE_FP32", (3, -1) if max_batch_size else (-1, 3, -1))
    config = replace(CONFIG, max_batch_size=max_batch_size, inputs=(x, scale))
    with pytest.raises(ValueError, match=sentence):
        check_signature(config, signature([X], [Y], nodes))


def test_an_input_that_every_run_needs_cannot_be_optional() -> None:
    config = replace(UNBATCHED, inputs=(Tensor("x", "TYPE_FP32", (-1, 3, -1), optional=True),))
    with pytest.raises(ValueError, match="has no value of its own for it"):
        check_signature(config, signature([X], [Y]))
