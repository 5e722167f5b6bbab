"""The lip-sync judge: does the mouth in a video open and close with the speech?

It measures the inner-lip opening of every frame with the committed face models in this process,
knows nothing of the orchestrator that it judges, and compares the opening with phoneme times that
are known beforehand.
"""

import os

# Before any module here imports it: ONNX Runtime reports its use unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
