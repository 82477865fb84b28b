"""From samples on disk to trained weights, with PyTorch Lightning."""
