"""The models that the project makes itself."""

import os

# Before any module here imports it: ONNX Runtime reports its use unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
