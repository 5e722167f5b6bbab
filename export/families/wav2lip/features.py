"""The speech features of Wav2Lip: 16 columns of a mel spectrum for every picture."""

MEL_BANDS = 80
MEL_COLUMNS = 16  # 0.2 s
COLUMNS_PER_S = 80
WIDTH = MEL_BANDS * MEL_COLUMNS  # band-major: all columns of the first band come first
FEATURE_KIND = f"wav2lip-mel-{MEL_BANDS}x{MEL_COLUMNS}"
