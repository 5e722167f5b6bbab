"""What holds for every test."""

import os

# Before any test imports it: ONNX Runtime reports its use unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
