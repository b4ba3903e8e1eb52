"""Sweeps: one cell or notebook run over a space of parameters."""
