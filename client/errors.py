"""Every failure that a user can meet, as one sentence that says what is wrong and what to do."""


class LipSyncError(Exception):
    """Root of all errors of this project; its text is one line for the user."""


class InputError(LipSyncError):
    """A file, option or setting given by the user cannot be used."""


class OutputError(LipSyncError):
    """The result cannot be written."""


class MediaError(LipSyncError):
    """A video, picture or recording cannot be decoded or encoded."""


class NoFaceError(LipSyncError):
    """No usable face was found."""


class ServerError(LipSyncError):
    """The Triton server cannot be started or reached."""


class ServerUnavailableError(ServerError):
    """No server answers, or it takes no request, at the moment: asking again can help."""


class AccessError(ServerError):
    """The server keeps an interface to those who have its key."""


class ModelDiedError(ServerUnavailableError):
    """The process of a model died on the server; whoever watches over it loads it again."""


class RegionLostError(ServerUnavailableError):
    """The server does not know shared memory that it was told of: it was started again."""


class ModelUnavailableError(ServerError):
    """The server does not serve a model or version that is needed."""


class ContractError(LipSyncError):
    """A served model breaks the tensor contract."""


class InferenceError(LipSyncError):
    """The server answered an inference with an error."""


class StalledError(InferenceError):
    """A model made no progress for longer than the stall limit."""
