"""Pictures as arrays: decoding, alignment and defocus. numpy, OpenCV and PyAV only."""
