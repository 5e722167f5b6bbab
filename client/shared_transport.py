"""Requests whose tensors lie in memory that the server on this host sees, too."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import tritonclient.grpc.aio as triton

from client.batch import Batch
from client.calls import Calls, Request
from client.constant import Constant
from client.layout import Layout, Pointer
from client.region import Region
from client.sharing import SharedMemory
from client.tensors import Array
from client.transport import MessageTransport, Signature

CONSTANTS = 16  # so many are remembered; more at once only while they are in use

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Place:
    """A region, what lies in it, and how many requests read it."""

    region: Region
    layout: Layout
    users: int = 0

    def write(self, name: str, array: Array, rows: int) -> None:
        self.layout.view(self.region, name, rows)[:] = array

    def read(self, name: str, rows: int) -> Array:
        return self.layout.view(self.region, name, rows).copy()

    def point(self, tensor: Pointer, name: str, rows: int) -> Pointer:
        return self.layout.point(tensor, self.region, name, rows)


class SharedMemoryTransport:
    """Tensors lie in shared memory; messages only say where.

    A request has a place of its own while it is under way. A constant is written once.

    Args:
        memory: Shared with the server.
        calls: The model's calls.
        signature: Its tensors, all of fixed size.
        rows: Rows of an ordinary request.
    """

    def __init__(self, memory: SharedMemory, calls: Calls, signature: Signature, rows: int) -> None:
        self._memory = memory
        self._calls = calls
        self._signature = signature
        self._rows = rows
        self._messages = MessageTransport(calls, signature)
        self._free: dict[tuple[frozenset[str], int], list[_Place]] = defaultdict(list)
        self._constants: dict[tuple[Constant, int], _Place] = {}
        self._was_told = False

    async def infer(self, batch: Batch) -> dict[str, Array]:
        """Runs one inference; where shared memory is full it travels in messages."""
        place = None
        try:
            place = self._place(batch)
            constant = self._constant(batch.constant, batch) if batch.constant else None
        except OSError as error:
            self._tell(error)
            if place is not None:
                self._give_back(place)
            return await self._messages.infer(batch)
        outputs = await self._run(batch.size, place, constant)
        # Not after a failure: the server may still use what it was asked for.
        self._give_back(place)
        if constant is not None:
            constant.users -= 1
        return outputs

    def _tell(self, error: OSError) -> None:
        if not self._was_told:
            logger.warning("Shared memory has no room (%s): tensors go by message.", error)
        self._was_told = True

    def _place(self, batch: Batch) -> _Place:
        """A place of a request's own, with its inputs written."""
        names = [*batch.names, *self._signature.outputs]
        place = self._take(names, max(batch.size, self._rows))
        for name in batch.names:
            place.write(name, batch.joined(name), batch.size)
        return place

    def _constant(self, constant: Constant, batch: Batch) -> _Place:
        """The place of a request's constant, in use from now on."""
        rows = max(batch.size, self._rows)
        place = self._constants.pop((constant, rows), None)
        if place is None:
            place = self._take(constant.inputs, rows)
            for name, array in constant.inputs.items():
                place.write(name, array, rows)  # as many times as a request has rows
        self._constants[constant, rows] = place  # the last used one comes last
        place.users += 1
        self._forget_constants()
        return place

    def _forget_constants(self) -> None:
        unused = [key for key, place in self._constants.items() if not place.users]
        for key in unused[: max(len(self._constants) - CONSTANTS, 0)]:
            self._give_back(self._constants.pop(key))

    def _take(self, names: Iterable[str], rows: int) -> _Place:
        layout = Layout((self._signature.spec(name) for name in names), rows)
        free = self._free[layout.names, rows]
        return free.pop() if free else _Place(self._memory.region(layout.size), layout)

    def _give_back(self, place: _Place) -> None:
        self._free[place.layout.names, place.layout.rows].append(place)

    async def _run(self, rows: int, place: _Place, constant: _Place | None) -> dict[str, Array]:
        wanted = self._signature.outputs
        places = [place] if constant is None else [place, constant]

        def request() -> Request:
            inputs = [tensor for each in places for tensor in self._inputs(each, rows)]
            outputs = [
                place.point(triton.InferRequestedOutput(name), name, rows) for name in wanted
            ]
            return inputs, outputs

        result = await self._calls.infer(request, [each.region for each in places])
        answered = [name for name in wanted if result.get_output(name) is not None]
        for name in answered:
            told = result.get_output(name)
            self._signature.check_answer(name, told.datatype, tuple(told.shape), rows)
        return {name: place.read(name, rows) for name in answered}

    def _inputs(self, place: _Place, rows: int) -> Iterator[triton.InferInput]:
        for name in place.layout.names & self._signature.inputs.keys():
            tensor = self._signature.declared(name, rows)
            yield place.point(tensor, name, rows)
