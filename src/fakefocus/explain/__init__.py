"""Shows where in a face a detector looks."""
