"""The `orchestrator` command."""

import os
import sys

from orchestrator.cli.signals import ignore_usr1, leave
from orchestrator.threads import limit_own_libraries

__all__ = ["main"]


def main() -> None:
    """Entry point; Ctrl-C ends it in order even while its modules are still being read."""
    ignore_usr1()
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # its errors are told in a sentence
    limit_own_libraries()
    try:
        from orchestrator.cli.app import app
        from orchestrator.cli.running import run_app
    except ImportError as error:
        sys.exit(
            f"error: The command's environment is not whole ({error}): run make setup; "
            "python3 -m orchestrator.doctor tells more."
        )
    except KeyboardInterrupt:
        sys.exit(130)
    status = run_app(app)
    leave()
    sys.exit(status)
