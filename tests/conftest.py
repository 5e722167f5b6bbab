"""What holds for every test."""

import os
import signal

# Before any test imports it: ONNX Runtime reports its use unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Commands leave a closed terminal to whoever started them by `nohup`: not so those of the tests.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
