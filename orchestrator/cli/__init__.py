"""The `orchestrator` command."""

import sys

__all__ = ["main"]


def main() -> None:
    """Entry point; Ctrl-C ends it in order even while its modules are still being read."""
    try:
        from orchestrator.cli.app import app
        from orchestrator.cli.running import run_app
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run_app(app))
