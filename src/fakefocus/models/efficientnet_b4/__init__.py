"""EfficientNet-B4, its pretrained stem kept."""
