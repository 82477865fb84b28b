"""UnivFD: a linear layer of 769 parameters on features of a frozen CLIP."""
