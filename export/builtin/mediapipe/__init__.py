"""Face detection and face landmarks from the TFLite files of a pinned MediaPipe wheel."""
