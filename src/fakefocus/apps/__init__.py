"""Ways in for people and programs: they parse, call and show."""
