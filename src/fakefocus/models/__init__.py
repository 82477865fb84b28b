"""Networks and losses, one folder a family."""
