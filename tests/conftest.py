"""What holds for every test."""

import os
import signal

# Before any test imports it: ONNX Runtime reports its use unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Commands leave signals alone that whoever started them has had ignored, as `nohup` and a shell's
# background jobs do: not so those of the tests.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
