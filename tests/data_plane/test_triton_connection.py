"""What goes to a Triton server and what is taken from its answer, byte by byte: the server here is gRPC's own."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from router_svc.triton.connection import Connection, NoAnswer
from tests.support.servicer import JUDGED, OUTPUTS, VECTORS, Servicer, answering


@pytest.fixture
def servicer() -> Servicer:
    return Servicer()


@pytest.fixture
async def connection(servicer: Servicer) -> AsyncIterator[Connection]:
    async with answering(servicer) as address:
        connection = Connection(address, OUTPUTS)
        yield connection
        await connection.close()


async def test_texts_go_as_one_batch_and_rows_come_back(connection: Connection, servicer: Servicer) -> None:
    inferred = await connection.infer(("ä", "\ud800b"), 30.0, {"traceparent": "00-1-2-01"})
    assert inferred.release == "7"
    assert np.array_equal(inferred.rows["embedding"], VECTORS)
    assert np.array_equal(inferred.rows["category"], JUDGED[:, :2])
    assert np.array_equal(inferred.rows["gain"], JUDGED[:, 2:])
    (request,) = servicer.asked
    assert request.model_name == "classifier"
    assert [(i.name, i.datatype, list(i.shape)) for i in request.inputs] == [("TEXT", "BYTES", [2, 1])]
    assert list(request.raw_input_contents) == [b"\x02\0\0\0\xc3\xa4\x02\0\0\0?b"]
    assert [output.name for output in request.outputs] == ["embedding", "judgement"]
    assert servicer.headers["traceparent"] == "00-1-2-01"
    assert connection.in_flight == 0


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"embedding": VECTORS},
        {"embedding": VECTORS[:1], "judgement": JUDGED},
        {"embedding": VECTORS, "judgement": JUDGED[:, :2]},
        {"embedding": VECTORS * np.float32(np.nan), "judgement": JUDGED},
    ],
    ids=["nothing", "no judgement", "too few rows", "too narrow", "not finite"],
)
async def test_a_wrong_answer_is_none(
    connection: Connection, servicer: Servicer, tensors: dict[str, np.ndarray]
) -> None:
    servicer.tensors = tensors
    with pytest.raises(NoAnswer) as caught:
        await connection.infer(("a", "b"), 30.0, {})
    assert caught.value.wrong


async def test_bytes_that_are_no_tensor_are_none(connection: Connection, servicer: Servicer) -> None:
    servicer.cut = 3
    with pytest.raises(NoAnswer, match="not of their shapes") as caught:
        await connection.infer(("a", "b"), 30.0, {})
    assert caught.value.wrong


async def test_a_probe_wants_each_output_in_its_place(connection: Connection, servicer: Servicer) -> None:
    one = {"embedding": VECTORS[:1], "judgement": JUDGED[:1]}
    servicer.tensors = {**one, "category": JUDGED[:1, :2], "gain": JUDGED[:1, 2:]}
    assert (await connection.probe("a", 30.0)).release == "7"
    assert not servicer.asked[-1].outputs  # all that there are
    servicer.tensors = {**servicer.tensors, "gain": JUDGED[:1, :1]}
    with pytest.raises(NoAnswer, match="gain is not in its place"):
        await connection.probe("a", 30.0)


async def test_a_server_that_is_gone_is_told_by_its_status() -> None:
    connection = Connection("127.0.0.1:1", OUTPUTS)
    with pytest.raises(NoAnswer, match="UNAVAILABLE") as caught:
        await connection.infer(("a",), 30.0, {})
    assert not caught.value.wrong
    await connection.close()
