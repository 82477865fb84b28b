"""Meso-4: four convolutions and a small head, 27,977 parameters."""
