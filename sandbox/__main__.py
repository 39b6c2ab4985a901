"""`python -m sandbox`: serve the stand-in until told to stop."""

import os
import signal
import sys
from types import FrameType

from sandbox import config, server


def _leave(_signal: int, _frame: FrameType | None) -> None:
    # uvicorn raises the signal again once it has shut down; that second time ends the process with success.
    sys.exit(0)


def main() -> None:
    """Serve with the settings from the command line and the environment."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    settings = config.from_arguments(sys.argv[1:], os.environ)
    try:
        listener = server.listen(settings)
    except OSError as error:
        sys.exit(f"sandbox cannot listen on {settings.host}:{settings.port}: {error.strerror}")
    with listener:
        server.run(settings, listener)


if __name__ == "__main__":
    main()
