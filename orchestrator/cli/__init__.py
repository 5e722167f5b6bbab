"""The `orchestrator` command."""

import sys

from orchestrator.threads import limit_own_libraries

__all__ = ["main"]


def main() -> None:
    """Entry point; Ctrl-C ends it in order even while its modules are still being read."""
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
    sys.exit(run_app(app))
