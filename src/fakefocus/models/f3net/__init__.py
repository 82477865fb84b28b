"""F3-Net: two Xceptions, on bands of frequency and on local statistics of frequency, that attend to each other."""
