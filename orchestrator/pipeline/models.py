"""The four models of one job, checked against their contracts before any frame is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from client.connection import Connection
from client.contract import check_contract, check_features
from client.errors import ContractError
from client.manifest import CropGeometry, SpeechWindow
from client.model import Batching, ServedModel
from client.vigil import Vigil
from orchestrator.pipeline.depth import in_flight


@dataclass(frozen=True)
class JobModels:
    """One version of every role, pinned for the whole job.

    Attributes:
        extents: Role to the numbers that its model chose for the letters of the contract.
        speech_window: The speech encoder's window.
        depths: Role to the calls that are in flight at once.
    """

    face_detection: ServedModel
    face_landmarks: ServedModel
    wenet: ServedModel
    landmark2face: ServedModel
    extents: Mapping[str, Mapping[str, int]]
    speech_window: SpeechWindow
    depths: Mapping[str, int]

    @classmethod
    async def open(
        cls,
        connection: Connection,
        names: Mapping[str, str],
        *,
        stall_s: float,
        frames_per_request: int,
    ) -> Self:
        """Reads and checks the models of a job.

        Args:
            connection: The server.
            names: Role to model name.
            stall_s: How long a model may finish no batch while a request waits; 20 of its
                batches at least.
            frames_per_request: How many frames travel together.

        Raises:
            ModelUnavailableError: If the server lacks one.
            ContractError: If one breaks its contract or two do not fit together.
        """
        return await cls.checked(
            {
                role: await ServedModel.open(
                    connection, name, stall_s=stall_s, rows_per_request=frames_per_request
                )
                for role, name in names.items()
            }
        )

    @classmethod
    async def checked(cls, models: Mapping[str, ServedModel]) -> Self:
        """Checks the models of a job, which are on one server, by their roles.

        Raises:
            ContractError: If one breaks its contract or two do not fit together.
        """
        extents = {role: check_contract(model, role) for role, model in models.items()}
        check_features(models["wenet"], models["landmark2face"])
        _check_crop(models["face_landmarks"], "square-1.5")
        _check_crop(models["landmark2face"], "eyes-mouth-v1")
        round_trip_s = await models["wenet"].connection.round_trip_s()
        return cls(
            **models,
            extents=extents,
            speech_window=_window(models["wenet"]),
            depths={role: await _depth(model, round_trip_s) for role, model in models.items()},
        )

    @property
    def by_role(self) -> dict[str, ServedModel]:
        """Role to model."""
        return {
            "face_detection": self.face_detection,
            "face_landmarks": self.face_landmarks,
            "wenet": self.wenet,
            "landmark2face": self.landmark2face,
        }

    @property
    def vigils(self) -> dict[str, Vigil]:
        """What a user calls a model to who watches its requests."""
        return {f"{m.name} version {m.version}": m.calls.vigil for m in self.by_role.values()}

    async def batching(self) -> dict[str, Batching]:
        """Reads how Triton batched every model so far."""
        return {role: await model.batching() for role, model in self.by_role.items()}


async def _depth(model: ServedModel, round_trip_s: float) -> int:
    batch_s = (await model.calls.work()).batch_s
    return in_flight(model.max_batch_size, model.instances, batch_s, round_trip_s)


def _check_crop(model: ServedModel, kind: str) -> CropGeometry:
    crop = model.manifest.crop
    if crop is None or crop.kind != kind:
        raise ContractError(
            f"{model.name} version {model.version} wants the crop geometry "
            f"{crop.kind if crop else 'of no kind'}; this program lays out {kind}."
        )
    return crop


def _window(model: ServedModel) -> SpeechWindow:
    window = model.manifest.window
    if window is None or model.inputs["speech"].shape != (window.length,):
        raise ContractError(
            f"{model.name} version {model.version} does not declare the window that its input "
            f"{model.inputs['speech']} is made of; publish it again with its window."
        )
    return window
