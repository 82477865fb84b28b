"""MesoInception-4: Meso-4 with two inception modules in front, 28,615 parameters."""
