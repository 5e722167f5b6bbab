"""The models of one job, checked against their contracts before any frame is read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self, cast

from client.connection import Connection
from client.contract import check_contract, check_features, check_manifest
from client.errors import ContractError
from client.manifest import CropGeometry, SpeechWindow
from client.model import Batching, ServedModel
from client.vigil import Vigil
from orchestrator.faces.crops import CropKind, crop_kind
from orchestrator.faces.paste import Paste, paste_of
from orchestrator.pipeline.depth import in_flight


@dataclass(frozen=True)
class JobModels:
    """One version of every role, pinned for the whole job.

    Attributes:
        extents: Role to the numbers that its model chose for the letters of the contract.
        speech_window: The speech encoder's window.
        depths: Role to the calls that are in flight at once.
        crop: How the renderer's crop lies on a face.
        paste: Makes the weights of a picture that the renderer gives; None where it gives them
            itself, or no picture.
        face_restoration: Restores the face that was painted, where that is wanted.
    """

    face_detection: ServedModel
    face_landmarks: ServedModel
    wenet: ServedModel
    landmark2face: ServedModel
    extents: Mapping[str, Mapping[str, int]]
    speech_window: SpeechWindow
    depths: Mapping[str, int]
    crop: CropKind
    paste: Paste | None
    face_restoration: ServedModel | None = None

    @classmethod
    async def open(
        cls,
        connection: Connection,
        names: Mapping[str, str],
        *,
        stall_s: float,
        frames_per_request: int,
        paste: str = "auto",
    ) -> Self:
        """Reads and checks the models of a job.

        Args:
            connection: The server.
            names: Role to model name.
            stall_s: How long a model may finish no batch while a request waits; 20 of its
                batches at least.
            frames_per_request: How many frames travel together.
            paste: How a picture is laid into the frame, as `paste_of` takes it.

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
            },
            paste=paste,
        )

    @classmethod
    async def checked(cls, models: Mapping[str, ServedModel], *, paste: str = "auto") -> Self:
        """Checks the models of a job, which are on one server, by their roles.

        Args:
            models: Role to model.
            paste: How a picture is laid into the frame, as `paste_of` takes it.

        Raises:
            ContractError: If one breaks its contract or two do not fit together.
        """
        extents = {role: check_contract(model, role) for role, model in models.items()}
        for role, model in models.items():
            check_manifest(model, role)
        check_features(models["wenet"], models["landmark2face"])
        round_trip_s = await models["wenet"].connection.round_trip_s()
        return cls(
            **models,
            extents=extents,
            speech_window=cast("SpeechWindow", models["wenet"].manifest.window),
            depths={role: await _depth(model, round_trip_s) for role, model in models.items()},
            crop=_crop(models["landmark2face"]),
            paste=_paste(models["landmark2face"], paste),
        )

    @property
    def by_role(self) -> dict[str, ServedModel]:
        """Role to model."""
        models = {
            "face_detection": self.face_detection,
            "face_landmarks": self.face_landmarks,
            "wenet": self.wenet,
            "landmark2face": self.landmark2face,
        }
        if self.face_restoration is not None:
            models["face_restoration"] = self.face_restoration
        return models

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


def _crop(renderer: ServedModel) -> CropKind:
    crop = cast("CropGeometry", renderer.manifest.crop)
    with _of(renderer):
        return crop_kind(crop.kind, crop.numbers)


def _paste(renderer: ServedModel, chosen: str) -> Paste | None:
    if "generated" not in renderer.outputs:
        return None
    declared = renderer.manifest.paste
    with _of(renderer):
        return paste_of(
            declared.model_dump() if declared else None,
            gives_mask="mask" in renderer.outputs,
            chosen=chosen,
        )


@contextmanager
def _of(model: ServedModel) -> Iterator[None]:
    """Tells whose manifest it is that cannot be used."""
    try:
        yield
    except ContractError as error:
        raise ContractError(f"{model.name} version {model.version}: {error}") from error
