"""A job's models with another version in the place of one of them."""

from dataclasses import dataclass, replace

from client.control import Control
from client.errors import InputError
from client.model import ServedModel
from orchestrator.pipeline.models import JobModels
from orchestrator.pipeline.work import Request, Work
from orchestrator.settings import Settings, home


@dataclass(frozen=True)
class Comparison:
    """What a job is compared with.

    Attributes:
        role: The model that is exchanged, by its role.
        version: The other version of it.
    """

    role: str
    version: str


def check_comparison(comparison: Comparison, request: Request, settings: Settings) -> None:
    """Checks that the embedded server has a version, before it is started.

    Raises:
        InputError: If there is no such version.
    """
    if request.url is not None:
        return
    name = settings.models.by_role().get(comparison.role)
    if name is None:
        raise InputError(
            f"The profile names no model for {comparison.role}: leave out --compare "
            f"{comparison.role}={comparison.version}, or name one."
        )
    folder = home() / "model_repository" / name
    versions = sorted(int(path.name) for path in folder.glob("[1-9]*") if path.name.isdigit())
    if int(comparison.version) not in versions:
        raise InputError(
            f"There is no version {comparison.version} in {folder}: compare with one of "
            f"{', '.join(map(str, versions)) or 'its versions, when it has any'}."
        )


async def compared(work: Work, comparison: Comparison) -> Work:
    """The same job with the other version; the embedded server is made to serve it as well.

    Raises:
        InputError: If it is the version that the job uses anyway.
        ModelUnavailableError: If the server does not serve it.
        ContractError: If it breaks its contract or does not fit the other models.
        InferenceError: If it does not load.
        ServerError: If the server does not answer.
    """
    role, version = comparison.role, comparison.version
    usual, serving = work.models.by_role[role], work.settings.serving
    if version == usual.version:
        raise InputError(
            f"Version {version} of {usual.name} is the one that the job uses: compare with another."
        )
    if work.request.url is None:
        async with Control(usual.connection.url) as control:
            await control.serve_also(usual.name, version, serving.start_timeout_s)
    other = await ServedModel.open(
        usual.connection,
        usual.name,
        version,
        stall_s=serving.stall_timeout_s,
        rows_per_request=serving.frames_per_request,
    )
    models = await JobModels.checked(
        work.models.by_role | {role: other}, paste=work.settings.faces.paste
    )
    work.progress.ask(work.models.vigils | models.vigils)
    return replace(work, models=models)
