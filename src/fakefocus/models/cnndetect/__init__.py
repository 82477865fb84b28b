"""CNNDetect: ResNet-50 whose training pictures are blurred and compressed."""
