"""SCADE-Net: a Meso-4 descendant of 28,055 parameters that sees RGB and a defocus map."""
